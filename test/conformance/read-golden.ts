/** What our reader makes of a golden file. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { applyDelta } from "../../src/apply/index.ts";
import { type ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { openFileSource } from "../../src/io/node.ts";
import { readSignature, type Signature } from "../../src/signature/index.ts";
import { GOLDEN_FOLDER, type GoldenEntry, type GoldenTarget } from "./golden.ts";

/** A golden delta may make 2^32 bytes of a few hundred. */
export const GOLDEN_LIMITS = { expansion: Number.POSITIVE_INFINITY };

export const readGolden = async ({ path }: GoldenEntry): Promise<Uint8Array> =>
  new Uint8Array(await readFile(join(GOLDEN_FOLDER, path)));

/** Size and digest of what a delta makes. */
export async function applyToFile(basisPath: string, delta: Uint8Array): Promise<GoldenTarget> {
  const digest = createHash("sha256");
  let bytes = 0;
  const write = async (piece: Uint8Array): Promise<void> => {
    digest.update(piece);
    bytes += piece.length;
  };
  const basis = await openFileSource(basisPath);
  try {
    await applyDelta(basis, delta, { write }, { limits: GOLDEN_LIMITS });
  } finally {
    await basis.close();
  }
  return { bytes, sha256: digest.digest("hex") };
}

/** The signature, or what the delta makes. */
export async function readWith(
  { path }: GoldenEntry,
  basisPath: string,
  file: Uint8Array,
): Promise<Signature | GoldenTarget> {
  return path.endsWith(".sig") ? readSignature(file) : applyToFile(basisPath, file);
}

/** The code that reading ends with; undefined when it succeeds. What is no coded error is thrown. */
export async function codeOf(reading: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (!isFlatdeltaError(error)) throw error;
    return error.code;
  }
}
