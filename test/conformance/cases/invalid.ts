/** What invalid deltas have in common. */
import { ErrorCode } from "../../../src/errors.ts";
import type { GoldenCase } from "../golden.ts";
import { FILE_BASES, TEXT } from "./bases.ts";
import { buildDelta, type DeltaParts, op, type WindowParts } from "./delta-builder.ts";

/** What is other than in a sound delta. */
export type Change = Partial<Omit<DeltaParts, "basis">>;

/** A window that copies some of the text. */
export const SOUND: WindowParts = { target: TEXT.subarray(4, 40), control: op.copy(36, 4) };

/** A delta of one window that copies from the text, but for what is changed. */
export function invalid(
  name: string,
  code: ErrorCode,
  says: string,
  change: Change,
  { basis = "text", editFile = (file: Uint8Array) => file } = {},
): GoldenCase {
  const make = async () => {
    const parts = { windows: [SOUND], ...change, basis: await FILE_BASES[basis]!() };
    return { file: editFile(await buildDelta(parts)) };
  };
  return { name: `${name}.delta`, says, basis, code, make };
}

/** Another window than the sound one. */
export const window = (change: Partial<WindowParts>): Change => ({ windows: [{ ...SOUND, ...change }] });
/** One extension. */
export const extension = (tag: number, value: Uint8Array): Change => ({ extensions: [[tag, value]] });
/** Flips a bit of the byte at `at`, from the end where that is negative. */
export const flipped = (at: number) => (file: Uint8Array) => file.with(at, file.at(at)! ^ 1);
/** A delta of one window, which is changed. */
export const body = (
  name: string,
  says: string,
  change: Partial<WindowParts>,
  code: ErrorCode = ErrorCode.CORRUPT_BODY,
): GoldenCase => invalid(name, code, says, window(change));
