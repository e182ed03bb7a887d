/** Bsdiff files, put together by hand. */
import { concatBytes, encodeUtf8 } from "../../src/bytes/index.ts";
import { compressBzip2 } from "./bzip2.ts";

/** An integer as bsdiff writes it: eight bytes, the sign in the highest bit. */
export function putBsdiffInteger(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  const magnitude = BigInt(value) < 0n ? -BigInt(value) : BigInt(value);
  new DataView(out.buffer).setBigUint64(0, magnitude | (BigInt(value) < 0n ? 1n << 63n : 0n), true);
  return out;
}

/** Bytes to add to the basis', bytes as they are, and how far to move on in the basis. */
export interface BsdiffEntry {
  diff: Uint8Array;
  extra: Uint8Array;
  seek: number;
}

const numbersOf = ({ diff, extra, seek }: BsdiffEntry): Uint8Array =>
  concatBytes([diff.length, extra.length, seek].map(putBsdiffInteger));

/** A BSDIFF40 file of these streams, whatever they say. */
export function assembleBsdiffStreams(
  control: Uint8Array,
  diff: Uint8Array,
  extra: Uint8Array,
  targetBytes: number | bigint,
) {
  const [first, second, third] = [control, diff, extra].map((bytes) => compressBzip2(bytes));
  const sizes = [first!.length, second!.length, targetBytes].map(putBsdiffInteger);
  return concatBytes([encodeUtf8("BSDIFF40"), ...sizes, first!, second!, third!]);
}

/** Bytes of the target that entries make. */
export const sizeOfBsdiff = (entries: readonly BsdiffEntry[]): number =>
  entries.reduce((sum, { diff, extra }) => sum + diff.length + extra.length, 0);

/** A BSDIFF40 file of these entries. */
export const assembleBsdiff40 = (entries: readonly BsdiffEntry[]): Uint8Array =>
  assembleBsdiffStreams(
    concatBytes(entries.map(numbersOf)),
    concatBytes(entries.map(({ diff }) => diff)),
    concatBytes(entries.map(({ extra }) => extra)),
    sizeOfBsdiff(entries),
  );

/** The same as ENDSLEY/BSDIFF43. */
export const assembleEndsley = (entries: readonly BsdiffEntry[]): Uint8Array =>
  concatBytes([
    encodeUtf8("ENDSLEY/BSDIFF43"),
    putBsdiffInteger(sizeOfBsdiff(entries)),
    compressBzip2(concatBytes(entries.flatMap((entry) => [numbersOf(entry), entry.diff, entry.extra]))),
  ]);

/** What the format says the target is. */
export function expectBsdiffTarget(basis: Uint8Array, entries: readonly BsdiffEntry[]): Uint8Array {
  let at = 0;
  return concatBytes(
    entries.flatMap(({ diff, extra, seek }) => {
      const sums = diff.map((byte, i) => byte + (basis[at + i] ?? 0));
      at += diff.length + seek;
      return [sums, extra];
    }),
  );
}
