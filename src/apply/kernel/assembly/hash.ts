// The XXH64 of target bytes that come in pieces.
import { digestStream, HashStream, startStream, updateStream } from "../../../hash/core/assembly/xxh64-stream";
import { HASH } from "./state";

const stream = changetype<HashStream>(HASH);

/** Begin; what was hashed before is forgotten. */
export function startHash(): void {
  startStream(stream);
}

/** Take in the next bytes. */
export function updateHash(from: usize, length: usize): void {
  updateStream(stream, from, <u32>length);
}

/** The hash of all bytes since {@link startHash}. */
export function digestHash(): u64 {
  return digestStream(stream);
}
