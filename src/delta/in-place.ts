import { ByteReader, ByteWriter } from "../bytes/index.ts";
import { ErrorCode } from "../errors.ts";
import { MAX_BLOCK_POWER, MAX_STEP_POWER, MIN_BLOCK_POWER } from "./format.ts";

/** What applying a delta in place takes, so that a device can decide before anything is downloaded or written. */
export interface InPlaceHeader {
  /** Target bytes of one step: a power of two. */
  stepBytes: number;
  /** The unit in which old bytes are stashed: a power of two, no more than `stepBytes`. */
  blockBytes: number;
  /** The stash is never larger. */
  stashBytes: number;
  /** What is kept of the delta's own bytes is never larger: a multiple of 1,024. */
  spoolBytes: number;
}

const SPOOL_UNIT_BYTES = 1024;

const isPowerFrom = (value: number, min: number, max: number): boolean =>
  value >= 2 ** min && value <= 2 ** max && Number.isInteger(Math.log2(value));

/** Whether targets can be made in steps and blocks of these sizes. */
export function isInPlaceLayout({
  stepBytes,
  blockBytes,
}: Pick<InPlaceHeader, "stepBytes" | "blockBytes">): boolean {
  return (
    isPowerFrom(blockBytes, MIN_BLOCK_POWER, MAX_BLOCK_POWER) &&
    isPowerFrom(stepBytes, Math.log2(blockBytes), MAX_STEP_POWER)
  );
}

/** The value of the extension. */
export function encodeInPlace(inPlace: InPlaceHeader): Uint8Array {
  const out = new ByteWriter();
  out.u8(Math.log2(inPlace.stepBytes));
  out.u8(Math.log2(inPlace.blockBytes));
  out.varint(inPlace.stashBytes / inPlace.blockBytes);
  out.varint(Math.ceil(inPlace.spoolBytes / SPOOL_UNIT_BYTES));
  return out.view();
}

/**
 * Read the value of the extension.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER`.
 */
export function decodeInPlace(value: Uint8Array): InPlaceHeader {
  const reader = new ByteReader(value, { what: "delta header, in place", code: ErrorCode.CORRUPT_HEADER });
  const [stepPower, blockPower] = [reader.u8(), reader.u8()];
  const [stashBlocks, spoolUnits] = [reader.varint(), reader.varint()];
  reader.end();
  if (blockPower < MIN_BLOCK_POWER || blockPower > MAX_BLOCK_POWER || stepPower < blockPower) {
    throw reader.corrupt(`steps of 2^${stepPower} bytes in blocks of 2^${blockPower}`);
  }
  if (stepPower > MAX_STEP_POWER) throw reader.corrupt(`steps of 2^${stepPower} bytes`);
  const [blockBytes, stepBytes] = [2 ** blockPower, 2 ** stepPower];
  const [stashBytes, spoolBytes] = [stashBlocks * blockBytes, spoolUnits * SPOOL_UNIT_BYTES];
  if (!Number.isSafeInteger(stashBytes) || !Number.isSafeInteger(spoolBytes))
    throw reader.corrupt("scratch space of more than 2^53 bytes");
  return { stepBytes, blockBytes, stashBytes, spoolBytes };
}
