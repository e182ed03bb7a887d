// Unpacks what ../pack.ts packs.
import { NO_VARINT, readVarint, varintEnd } from "../../../bytes/assembly/varint";
import { putRun, putZeros } from "./vectors";

/**
 * Fill `intoBytes` bytes from `into` on. A vector behind the end of both may be read and overwritten.
 *
 * @returns whether they are filled; if not, the segment is damaged.
 */
export function unpack(packed: usize, packedBytes: usize, into: usize, intoBytes: usize): bool {
  const packedEnd = packed + packedBytes;
  const intoEnd = into + intoBytes;
  const gapBytes = readVarint(packed, packedEnd);
  if (gapBytes == NO_VARINT || gapBytes > <i64>packedBytes) return false;
  const lengthBytes = readVarint(varintEnd, packedEnd);
  if (lengthBytes == NO_VARINT || lengthBytes > <i64>packedBytes) return false;
  let gap = varintEnd;
  const gapsEnd = gap + <usize>gapBytes;
  let length = gapsEnd;
  const lengthsEnd = length + <usize>lengthBytes;
  let run = lengthsEnd;
  if (run > packedEnd) return false;
  let at = into;
  for (;;) {
    const zeros = readVarint(gap, gapsEnd);
    if (zeros == NO_VARINT || zeros > <i64>(intoEnd - at)) return false;
    if (zeros == 0 && length < lengthsEnd && run > lengthsEnd) return false;
    gap = varintEnd;
    putZeros(at, <usize>zeros);
    at += <usize>zeros;
    if (length >= lengthsEnd) break;
    const bytes = readVarint(length, lengthsEnd);
    // Not one either where there is no number.
    if (bytes < 1 || bytes > <i64>(intoEnd - at) || bytes > <i64>(packedEnd - run)) return false;
    length = varintEnd;
    putRun(at, run, <usize>bytes);
    at += <usize>bytes;
    run += <usize>bytes;
  }
  return at == intoEnd && gap == gapsEnd && run == packedEnd;
}
