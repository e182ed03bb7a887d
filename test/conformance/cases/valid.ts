/** What valid deltas that are built op by op have in common. */
import { EMPTY_BYTES, toHex } from "../../../src/bytes/index.ts";
import { headerBlock } from "../../image/tar-builder.ts";
import type { GoldenCase } from "../golden.ts";
import { FILE_BASES, TAR_ENTRIES, TEXT } from "./bases.ts";
import { buildDelta, type DeltaParts, measureTarget, op, type WindowParts } from "./delta-builder.ts";

type Built = Omit<DeltaParts, "basis">;

/** A valid delta, built from its parts. */
export function valid(
  name: string,
  basis: string,
  says: string,
  describe: Built | (() => Promise<Built>),
): GoldenCase {
  const make = async () => {
    const parts = typeof describe === "function" ? await describe() : describe;
    const target = measureTarget(parts.windows);
    return {
      file: await buildDelta({ basis: (await FILE_BASES[basis]?.()) ?? EMPTY_BYTES, ...parts }),
      target: { bytes: target.bytes, sha256: toHex(target.sha256) },
    };
  };
  return { name: `${name}.delta`, says, basis, make };
}

/** Some of the basis "text". */
export const text = (from: number, to?: number): Uint8Array => TEXT.subarray(from, to);

/** A window of DATA alone. */
export const literal = (bytes: Uint8Array): WindowParts => ({
  target: bytes,
  control: op.data(bytes.length),
  data: bytes,
});

/** The first header of the basis "tar", changed. */
export const headerWith = (change: object): Uint8Array => headerBlock({ ...TAR_ENTRIES[0]!, ...change });
