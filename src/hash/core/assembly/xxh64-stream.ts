// XXH64 of bytes that come in parts.
import {
  FIRST_1,
  FIRST_2,
  FIRST_3,
  FIRST_4,
  finish,
  mergeAccumulators,
  PRIME_5,
  round,
  STRIPE_BYTES,
} from "./xxh64";

/** A hash under way, and behind it in memory the bytes of a stripe that is not full yet. */
@unmanaged
export class HashStream {
  acc1: u64;
  acc2: u64;
  acc3: u64;
  acc4: u64;
  total: u64;
}

const TAIL_AT: usize = 40;

/** What a stream takes of memory. */
export const STREAM_BYTES: usize = TAIL_AT + 32;

/** Begin anew. */
export function startStream(stream: HashStream): void {
  stream.acc1 = FIRST_1;
  stream.acc2 = FIRST_2;
  stream.acc3 = FIRST_3;
  stream.acc4 = FIRST_4;
  stream.total = 0;
}

function takeStripes(stream: HashStream, from: usize, end: usize): void {
  let acc1 = stream.acc1;
  let acc2 = stream.acc2;
  let acc3 = stream.acc3;
  let acc4 = stream.acc4;
  for (let at = from; at < end; at += STRIPE_BYTES) {
    acc1 = round(acc1, load<u64>(at));
    acc2 = round(acc2, load<u64>(at, 8));
    acc3 = round(acc3, load<u64>(at, 16));
    acc4 = round(acc4, load<u64>(at, 24));
  }
  stream.acc1 = acc1;
  stream.acc2 = acc2;
  stream.acc3 = acc3;
  stream.acc4 = acc4;
}

/** Take in the next bytes. */
export function updateStream(stream: HashStream, from: usize, length: u32): void {
  const tail = changetype<usize>(stream) + TAIL_AT;
  let at = from;
  const end = from + length;
  const waiting = <u32>(stream.total & (STRIPE_BYTES - 1));
  stream.total += length;
  if (waiting > 0) {
    const part = min(STRIPE_BYTES - waiting, length);
    memory.copy(tail + waiting, at, part);
    if (waiting + part < STRIPE_BYTES) return;
    takeStripes(stream, tail, tail + STRIPE_BYTES);
    at += part;
  }
  const stripesEnd = at + ((end - at) & ~<usize>(STRIPE_BYTES - 1));
  takeStripes(stream, at, stripesEnd);
  memory.copy(tail, stripesEnd, end - stripesEnd);
}

/** The hash of all that was taken in. */
export function digestStream(stream: HashStream): u64 {
  const tail = changetype<usize>(stream) + TAIL_AT;
  const total = stream.total;
  const merged =
    total < STRIPE_BYTES ? PRIME_5 : mergeAccumulators(stream.acc1, stream.acc2, stream.acc3, stream.acc4);
  return finish(merged, total, tail, tail + <usize>(total & (STRIPE_BYTES - 1)));
}
