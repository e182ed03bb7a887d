// The way through a segment. Zeros that can be foreseen are coded together (scout.ts), and so are the bytes of a field that can
// be (field.ts). What is left are flags and values, byte by byte. In executables that were linked anew that makes 0.6 decisions a
// byte, where a flag for each byte and 8 bits for each value would be 2; time goes with decisions.
//
// The names: b(k) is the basis byte k places further on, r(k) the residual byte k places back.
import { findSlot, hashContext } from "../../assembly/contexts";
import { makeCounter } from "../../assembly/counters";
import { codeDecision } from "./decision";
import { addBytes, subtractBytes } from "./bytes";
import { codeField, learnField } from "./field";
import { SLOTS, WEIGHT_SET_BYTES } from "../../assembly/layout";
import { BASIS, FLAG_CONTEXTS, FLAG_TABLES, FLAG_WEIGHTS_A, FLAG_WEIGHTS_B, OPINION, RESIDUAL, SLOT_TABLE_BITS, SLOT_TABLE_BYTES, SPAN_BYTES, SPANS } from "./memory";
import { codeGroup, getLook, isDoubtful, learnLook, lookAhead, MAX_GROUP } from "./scout";
import { codeValue, rememberValue } from "./value";
import { startOfField } from "./words";

/** The last 32 flags, the newest lowest. */
let flags: u32 = 0;
/** Zero residual bytes since the last other one. */
let run: u32 = 0;
/** The span of the byte that is coded. */
let span: usize = SPANS;

/** Logarithmic steps: 0 1 2 3 4 8 16 32 64 128 256 1024. */
@inline
function stepOf(length: u32): u32 {
  if (length < 4) return length;
  if (length < 512) return 33 - clz(length);
  return length < 1024 ? 10 : 11;
}

@inline
function carriesAt(behind: u32, done: u32): u32 {
  const carry1 = ((behind >> 24) + (done >> 24)) >> 8;
  return carry1 | (((((behind >> 16) & 255) + ((done >> 16) & 255)) >> 8) << 1);
}

@inline
function find(index: u32, hash: u32): void {
  findSlot(FLAG_TABLES + <usize>index * SLOT_TABLE_BYTES, SLOT_TABLE_BITS, index, hash);
}

/**
 * Code whether the residual byte at `i` is not zero.
 *
 * @param phase - bytes of its field before it, 0 outside of fields.
 * @param opinion - in phase 0 the probability that the scout gave; it takes the place of a context.
 */
function codeFlag(i: u32, phase: u32, opinion: u32): i32 {
  const b = BASIS + <usize>i;
  const r = RESIDUAL + <usize>i;
  const ahead = load<u32>(b);
  const behind = load<u32>(b - 4);
  const done = load<u32>(r - 4);
  const b0 = ahead & 255;
  const r1 = done >> 24;
  const carries = carriesAt(behind, done);
  const step = stepOf(run);

  find(0, hashContext(ahead >> 12, flags & 1));
  find(1, hashContext((ahead >> 16) | ((behind >> 24) << 16), flags & 15));
  find(2, hashContext(done >> 16, carries | (phase << 4)));
  find(3, hashContext((ahead & 0xffff) | (r1 << 16), carries));
  find(5, hashContext(flags & 0xffff, phase));
  if (phase) find(4, hashContext(behind >> 16, flags & 15));
  else {
    store<u16>(OPINION, makeCounter(opinion >> 4, 0));
    store<u32>(SLOTS + 16, OPINION);
  }

  return codeDecision(
    FLAG_CONTEXTS,
    i32(load<u8>(r) != 0),
    SLOTS,
    0,
    FLAG_WEIGHTS_A + <usize>((flags & 7) | (step << 3) | (phase << 7)) * WEIGHT_SET_BYTES,
    FLAG_WEIGHTS_B + <usize>(b0 | ((phase ? (flags & 1) + 1 : 0) << 8)) * WEIGHT_SET_BYTES,
  );
}

@inline
function passZeros(count: u32): void {
  run += count;
  flags = count < 32 ? flags << count : 0;
}

@inline
function passByte(value: u32): void {
  flags = (flags << 1) | u32(value != 0);
  if (value) {
    run = 0;
    rememberValue(value);
  } else run++;
}

/** Code the bytes of the field at `start`, from the one numbered `first`, which is not zero, to before `until`. */
function codeBytes(start: u32, first: u32, until: u32): void {
  const field = load<u32>(BASIS + <usize>start);
  for (let phase = first; phase < until; phase++) {
    const i = start + phase;
    const b = BASIS + <usize>i;
    const r = RESIDUAL + <usize>i;
    let value: u32 = load<u8>(r);
    if (phase == first || codeFlag(i, phase, 0)) {
      const behind = load<u32>(b - 4);
      const done = load<u32>(r - 4);
      value = codeValue(value, load<u32>(b), behind, done, carriesAt(behind, done), flags, phase, field, run);
    } else value = 0;
    store<u8>(r, value);
    passByte(value);
  }
}

/** Begin with the first of the spans that the loader has placed. */
export function startSpans(): void {
  span = SPANS;
}

/** Code the field at `i`, whose first residual byte is not zero; returns where it ends. */
function codeFieldAt(i: u32, end: u32): u32 {
  while (load<u32>(span) <= i) span += SPAN_BYTES;
  const address = i + load<u32>(span, 4);
  const skipped = startOfField(address);
  const start = i - skipped;
  if (start + 4 > end) {
    codeBytes(i, 0, end - i);
    return end;
  }
  const b = BASIS + <usize>start;
  const r = RESIDUAL + <usize>start;
  const word = load<u32>(b);
  // The skipped bytes are as in the basis for this field, whatever they became with the one before.
  const kept: u32 = (1 << (8 * skipped)) - 1;
  const said = codeField(addBytes(word, load<u32>(r) & ~kept) - word, b, address - skipped, load<u32>(span, 8), skipped);
  if (said) {
    const residual = subtractBytes(word + said, word);
    store<u32>(r, residual | (load<u32>(r) & kept));
    for (let phase = skipped; phase < 4; phase++) passByte((residual >> (8 * phase)) & 255);
    learnField(said);
  } else {
    codeBytes(start, skipped, 4);
    learnField(addBytes(word, load<u32>(r) & ~kept) - word);
  }
  return start + 4;
}

/** Code or decode residual bytes from `from` to at least `to`, of a segment that ends at `end`; returns where it stopped. */
export function codeResidual(from: u32, to: u32, end: u32): u32 {
  let i = from;
  while (i < to) {
    const limit = min(MAX_GROUP, end - i);
    const count = lookAhead(BASIS + <usize>i, limit, run);
    if (count > 0) {
      const first = codeGroup(RESIDUAL + <usize>i, count);
      memory.fill(RESIDUAL + <usize>i, 0, <usize>first);
      passZeros(first);
      i += first;
      if (first < count) {
        i = codeFieldAt(i, end);
        continue;
      }
      if (count == limit || !isDoubtful(count)) continue;
    }
    const flag = codeFlag(i, 0, getLook(count));
    learnLook(count, <u32>flag);
    if (flag) i = codeFieldAt(i, end);
    else {
      store<u8>(RESIDUAL + <usize>i, 0);
      passZeros(1);
      i++;
    }
  }
  return i;
}
