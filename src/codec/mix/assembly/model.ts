// What each decision is predicted from. The names: b(k) is the basis byte k places further on, r(k) the residual byte k
// places back. A field is what a 32-bit number covers: the first non-zero residual byte and the three behind it.
//
// The numbers behind a context are what it is worth: by how many percent the coded bytes of a Go binary, a C++ binary,
// Python bytecode, libraries of a newer distribution, and patched libraries grow when a constant takes its place. More
// contexts are worth little: with twelve the first two became 1 % smaller and 1 % larger, and coding took 40 % longer.
import { findFlag, findLine, hashContext } from "./contexts";
import { codeDecision } from "./decision";
import {
  APM_ROW_BYTES,
  BASIS,
  CONTEXTS,
  FLAG_APM,
  FLAG_SLOTS,
  FLAG_WEIGHTS_A,
  FLAG_WEIGHTS_B,
  RESIDUAL,
  VALUE_APM,
  VALUE_HASHES,
  VALUE_LINES,
  VALUE_WEIGHTS_A,
  VALUE_WEIGHTS_B,
  WEIGHT_SET_BYTES,
} from "./memory";

/** The last 32 flags, the newest lowest. */
let flags: u32 = 0;
/** Zero residual bytes since the last other one. */
let run: u32 = 0;
/** The last two non-zero residual bytes. */
let last: u32 = 0;
let lastButOne: u32 = 0;
/** Bytes of the current field that are done, 0 outside of fields, and the basis word that the field began at. */
let phase: u32 = 0;
let fieldBasis: u32 = 0;

/** Logarithmic steps: 0 1 2 3 4 8 16 32 64 128 256 1024. */
@inline
function stepOf(length: u32): u32 {
  if (length < 4) return length;
  if (length < 512) return 33 - clz(length);
  return length < 1024 ? 10 : 11;
}

/** Code or decode the residual bytes `from` to `to` of the segment. */
export function codeResidual(from: u32, to: u32): void {
  for (let i = from; i < to; i++) {
    const b = BASIS + <usize>i;
    const r = RESIDUAL + <usize>i;
    const ahead = load<u32>(b);
    const behind = load<u32>(b - 4);
    const done = load<u32>(r - 4);
    const b0 = ahead & 255;
    const r1 = done >> 24;
    const carry1 = ((behind >> 24) + r1) >> 8;
    const carries = carry1 | (((((behind >> 16) & 255) + ((done >> 16) & 255)) >> 8) << 1);
    const step = stepOf(run);

    findFlag(0, hashContext(ahead >> 12, flags & 1)); // 3.1 3.0 0.2 -0.1 2.1
    findFlag(1, hashContext((ahead >> 16) | ((behind >> 24) << 16), flags & 15)); // 1.1 6.5 0.0 -0.1 0.7
    findFlag(2, hashContext(done >> 16, carries | (phase << 4))); // 1.3 4.1 1.7 0.2 2.4
    findFlag(3, hashContext((ahead & 0xffff) | (r1 << 16), carries)); // 6.7 6.1 3.9 3.7 3.8
    findFlag(4, hashContext(behind >> 16, flags & 15)); // 2.7 1.2 0.2 -0.0 1.0
    findFlag(5, hashContext(load<u32>(b + 1), flags & 7)); // 1.1 0.4 0.4 0.5 0.2
    findFlag(6, hashContext((done & 255) | (<u32>load<u8>(r - 8) << 8), (behind >> 24) | ((flags & 15) << 8))); // 0.7 0.7 1.4 0.7 0.7
    findFlag(7, hashContext(flags & 0xffff, phase)); // 0.5 0.6 0.7 2.4 0.3

    const residual = load<u8>(r);
    const flag = codeDecision(
      i32(residual != 0),
      FLAG_SLOTS,
      0,
      FLAG_WEIGHTS_A + <usize>((flags & 7) | (step << 3) | (phase << 7)) * WEIGHT_SET_BYTES,
      FLAG_WEIGHTS_B + <usize>(b0 | ((flags & 3) << 8)) * WEIGHT_SET_BYTES,
      FLAG_APM + <usize>((flags & 255) | ((i & 3) << 8)) * APM_ROW_BYTES,
    );
    if (flag) {
      const value = codeValue(residual, ahead, behind, done, carries);
      store<u8>(r, value);
      lastButOne = last;
      last = value;
      run = 0;
    } else {
      store<u8>(r, 0);
      run++;
    }
    flags = (flags << 1) | flag;
    if (phase == 0) {
      if (flag) {
        phase = 1;
        fieldBasis = ahead;
      }
    } else phase = (phase + 1) & 3;
  }
}

@inline
function setValueContext(index: u32, hash: u32): void {
  store<u32>(VALUE_HASHES + (<usize>index << 2), hash);
  findLine(index, hash);
}

/** Code or decode a residual byte that is known not to be zero. */
function codeValue(value: u32, ahead: u32, behind: u32, done: u32, carries: u32): u32 {
  const b0 = ahead & 255;
  const r1 = done >> 24;
  const carry1 = carries & 1;
  const recent = flags & 3;
  const field = phase ? fieldBasis : ahead;
  const fieldDone = (phase ? done >> (32 - 8 * phase) : 0) ^ (phase << 28);
  const place = carries | (phase << 4);

  setValueContext(0, hashContext(field >> 16, fieldDone)); // 5.4 13.9 0.7 0.2 2.9
  setValueContext(1, hashContext(ahead >> 12, r1 | (carry1 << 8))); // 7.0 6.0 0.4 0.3 3.1
  setValueContext(2, hashContext(ahead >> 8, recent)); // 4.8 3.0 1.0 1.9 2.7
  setValueContext(3, hashContext(last, place)); // 2.1 2.5 0.9 0.5 0.8
  setValueContext(4, hashContext(0, 0)); // 2.4 2.3 0.1 0.1 1.0, against (i + 4 + ahead) >> 12
  setValueContext(5, hashContext(last | (lastButOne << 8), place)); // 1.4 3.0 2.1 5.8 2.5
  setValueContext(6, hashContext(behind >> 16, recent)); // 4.0 2.2 0.8 0.5 2.2
  setValueContext(7, hashContext(b0, phase)); // 0.5 1.5 25.8 13.5 2.1

  const step = min<u32>(run, 4);
  const weightsB = VALUE_WEIGHTS_B + <usize>((phase << 3) | (step << 5) | (carries << 8)) * WEIGHT_SET_BYTES;
  const apm = VALUE_APM + <usize>((carry1 << 8) | (phase << 9)) * APM_ROW_BYTES;
  // The bits so far below a leading 1.
  let node: u32 = 1;
  for (let depth: u32 = 0; depth < 8; depth++) {
    if (depth == 4) {
      for (let index: u32 = 0; index < CONTEXTS; index++) {
        findLine(index, (load<u32>(VALUE_HASHES + (<usize>index << 2)) + node * 0x9e3779b1) * 0x85ebca6b);
      }
    }
    const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
    const bit = codeDecision(
      (value >> (7 - depth)) & 1,
      VALUE_LINES,
      <usize>inNibble << 1,
      VALUE_WEIGHTS_A + <usize>node * WEIGHT_SET_BYTES,
      weightsB + <usize>depth * WEIGHT_SET_BYTES,
      apm + <usize>node * APM_ROW_BYTES,
    );
    node = (node << 1) | bit;
  }
  return node & 255;
}
