// XXH64 of all that passes through the input area.
import { WHOLE_STREAM } from "./memory";
import { digestStream, HashStream, startStream, updateStream } from "./xxh64-stream";

const stream = changetype<HashStream>(WHOLE_STREAM);

/** Begin anew. */
export function startWhole(): void {
  startStream(stream);
}

/** Take in the next bytes. */
export function updateWhole(from: usize, length: u32): void {
  updateStream(stream, from, length);
}

/** The hash of all that was taken in. */
export function digestWhole(): u64 {
  return digestStream(stream);
}
