import { type IndexedInput, type MatchInputOptions, matchInputs } from "../../encode/index.ts";
import { createSha256 } from "../../hash/index.ts";
import { countingSink, type OnProgress, type Sink, type Source, scanSource } from "../../io/index.ts";
import type { MatchList } from "../../match/index.ts";
import { DeltaBuilder } from "./delta-builder.ts";
import { matchSignature } from "./match.ts";
import { type RdiffOpTotals, RdiffOpWriter } from "./op-writer.ts";
import type { RdiffSignature } from "./signature.ts";

/** Options of {@link createRdiffDelta}. */
export interface CreateRdiffDeltaOptions extends MatchInputOptions {
  /** Phases: "read basis", "read target", "match", "write". */
  onProgress?: OnProgress | undefined;
}

/** What a delta is made against: the basis itself, an image with its structure or plain bytes, or a signature of it. */
export type RdiffBasis = Source | IndexedInput | RdiffSignature;

/** What was written. */
export interface RdiffDeltaStats extends RdiffOpTotals {
  deltaBytes: number;
  targetBytes: number;
  /** SHA-256 of the target, which the format has no place for: give it to whoever applies the delta. */
  targetSha256: Uint8Array;
}

const isSignature = (basis: RdiffBasis): basis is RdiffSignature => "weakHashes" in basis;
const isIndexed = (input: Source | IndexedInput): input is IndexedInput => "source" in input;

/** The sides of a delta, and what they share. */
interface MatchedSides {
  basis: Source | undefined;
  target: Source;
  targetSha256: Uint8Array;
  matches: MatchList;
}

async function matchWithSignature(
  signature: RdiffSignature,
  target: Source,
  { signal, onProgress }: CreateRdiffDeltaOptions,
): Promise<MatchedSides> {
  const digest = createSha256();
  let doneBytes = 0;
  for await (const piece of scanSource(target, { signal })) {
    digest.update(piece);
    doneBytes += piece.length;
    onProgress?.({ phase: "read target", doneBytes, totalBytes: target.size });
  }
  const matches = await matchSignature(signature, target, { signal, onProgress });
  return { basis: undefined, target, targetSha256: digest.digest(), matches };
}

async function matchSides(
  basis: RdiffBasis,
  target: Source | IndexedInput,
  options: CreateRdiffDeltaOptions,
): Promise<MatchedSides> {
  if (isSignature(basis))
    return matchWithSignature(basis, isIndexed(target) ? target.source : target, options);
  const { basis: old, target: wanted, matches } = await matchInputs(basis, target, options);
  return {
    basis: old.source,
    target: wanted.source,
    targetSha256: (await wanted.index.hashes).sha256,
    matches,
  };
}

/**
 * Write a delta that `rdiff patch` applies, and balenaEngine inside of its delta images.
 *
 * With the basis at hand matches end where bytes differ, not at the edges of blocks, and are compared byte by byte: the delta is
 * right whatever hashes say. From a signature alone they are as sure as its strong hashes.
 *
 * The format names neither basis nor target and has no checksum: keep `targetSha256` for whoever applies it.
 *
 * ```ts
 * const signature = await readRdiffSignature(await openFileSource("old.sig"));
 * const file = await createAtomicFile("update.rdiff");
 * await createRdiffDelta(signature, await openFileSource("new.bin"), file);
 * await file.commit();
 * ```
 *
 * @param basis - the basis, or its signature.
 * @param sink - receives the delta in order.
 */
export async function createRdiffDelta(
  basis: RdiffBasis,
  target: Source | IndexedInput,
  sink: Sink,
  options: CreateRdiffDeltaOptions = {},
): Promise<RdiffDeltaStats> {
  const { matches, targetSha256, ...sources } = await matchSides(basis, target, options);
  const { signal, onProgress } = options;
  const out = countingSink(sink);
  const ops = new RdiffOpWriter(out);
  const builder = await DeltaBuilder.create(ops, sources, signal);
  const targetBytes = sources.target.size;
  for (const found of matches) {
    await builder.add(found);
    onProgress?.({ phase: "write", doneBytes: found.targetOffset + found.length, totalBytes: targetBytes });
  }
  await builder.finish();
  const { copiedBytes, literalBytes, opCount } = ops;
  return { copiedBytes, literalBytes, opCount, deltaBytes: out.bytesWritten, targetBytes, targetSha256 };
}
