import { ByteReader, ByteWriter } from "../bytes/index.ts";
import { ErrorCode } from "../errors.ts";
import type { SourceRange } from "../io/index.ts";
import { MAX_PRIMER_BYTES } from "./format.ts";

/** What the extension of the header says of a primer: its ranges of the basis, each by its distance from the end of the one before. */
export function encodePrimer(ranges: readonly SourceRange[]): Uint8Array {
  const out = new ByteWriter();
  let next = 0;
  for (const { offset, length } of ranges) {
    out.signedVarint(offset - next);
    out.varint(length);
    next = offset + length;
  }
  return out.view();
}

/**
 * Read the value of the extension and check it against the basis.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER`.
 */
export function decodePrimer(value: Uint8Array, { basisBytes }: { basisBytes: number }): SourceRange[] {
  const reader = new ByteReader(value, { what: "delta header, primer", code: ErrorCode.CORRUPT_HEADER });
  const ranges: SourceRange[] = [];
  let next = 0;
  let bytes = 0;
  do {
    const offset = next + reader.signedVarint();
    const length = reader.varint();
    bytes += length;
    if (length === 0 || offset < 0 || offset > basisBytes - length || bytes > MAX_PRIMER_BYTES) {
      throw reader.corrupt(`${length} bytes at ${offset} of a basis of ${basisBytes}, of ${bytes} in all`);
    }
    ranges.push({ offset, length });
    next = offset + length;
  } while (reader.remaining > 0);
  return ranges;
}
