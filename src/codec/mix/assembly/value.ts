// The bytes of fields that could not be foreseen. The numbers behind a context are what it is worth: by how many percent all
// coded bytes of updated dependencies, a Go binary, patched libraries, a C++ binary and libraries of a newer distribution grow
// when a constant takes its place. A context of what was foretold wrongly was worth less than the constant.
import { findLine, hashBehind, hashContext, setHash } from "../../assembly/contexts";
import { codeDecision } from "./decision";
import { LINES, WEIGHT_SET_BYTES } from "../../assembly/layout";
import { VALUE_CONTEXTS, VALUE_TABLE_BITS, VALUE_TABLE_BYTES, VALUE_TABLES, VALUE_WEIGHTS_A, VALUE_WEIGHTS_B } from "./memory";

/** The last non-zero residual byte. */
let last: u32 = 0;

export function rememberValue(value: u32): void {
  last = value;
}

@inline
function find(index: u32, hash: u32): void {
  findLine(VALUE_TABLES + <usize>index * VALUE_TABLE_BYTES, VALUE_TABLE_BITS, index, hash);
}

@inline
function setValueContext(index: u32, hash: u32): void {
  setHash(index, hash);
  find(index, hash);
}

/** Code or decode a residual byte that is known not to be zero. */
export function codeValue(value: u32, ahead: u32, behind: u32, done: u32, carries: u32, flags: u32, phase: u32, field: u32, run: u32): u32 {
  const b0 = ahead & 255;
  const recent = flags & 3;
  const fieldBytes = phase ? done >> (32 - 8 * phase) : 0;
  const fieldDone = fieldBytes ^ (phase << 28);
  const place = carries | (phase << 4);

  setValueContext(0, hashContext(field >> 16, fieldDone)); // 0.6 0.5 0.5 2.0 0.3
  setValueContext(1, hashContext(ahead >> 8, recent)); // 1.6 1.6 1.6 1.3 1.3
  setValueContext(2, hashContext(last, place)); // 1.1 0.9 0.7 2.7 0.7
  setValueContext(3, hashContext(0, 0));
  setValueContext(4, hashContext(behind >> 16, recent)); // 0.6 0.7 0.5 1.6 0.8
  setValueContext(5, hashContext(b0, phase)); // 5.7 4.3 4.3 1.1 5.7

  const step = min<u32>(run, 4);
  const weightsB = VALUE_WEIGHTS_B + <usize>((phase << 3) | (step << 5) | (carries << 8)) * WEIGHT_SET_BYTES;
  // The bits so far below a leading 1.
  let node: u32 = 1;
  for (let depth: u32 = 0; depth < 8; depth++) {
    if (depth == 4) {
      for (let index: u32 = 0; index < VALUE_CONTEXTS; index++) {
        find(index, hashBehind(index, node));
      }
    }
    const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
    const bit = codeDecision(
      VALUE_CONTEXTS,
      (value >> (7 - depth)) & 1,
      LINES,
      <usize>inNibble << 1,
      VALUE_WEIGHTS_A + <usize>node * WEIGHT_SET_BYTES,
      weightsB + <usize>depth * WEIGHT_SET_BYTES,
    );
    node = (node << 1) | bit;
  }
  return node & 255;
}
