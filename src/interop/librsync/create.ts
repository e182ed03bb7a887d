import { equalBytes } from "../../bytes/index.ts";
import { createSha256, type Sha256 } from "../../hash/index.ts";
import {
  countingSink,
  type OnProgress,
  PagedSource,
  readPaged,
  type Sink,
  type Source,
} from "../../io/index.ts";
import { MatchList, matchBlocks } from "../../match/index.ts";
import { buildSignature } from "../../signature/index.ts";
import { matchSignature } from "./match.ts";
import { copyOpBytes, type RdiffOpTotals, RdiffOpWriter } from "./op-writer.ts";
import type { RdiffSignature } from "./signature.ts";

const PIECE_BYTES = 1 << 18;

/** Options of {@link createRdiffDelta}. */
export interface CreateRdiffDeltaOptions extends MatchInputOptions {
  /** Phases: those of matching, where the basis is at hand, then "write". */
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

/** What a delta is made from, and the matches between them. */
interface Matched {
  basis: Source | undefined;
  target: Source;
  matches: MatchList;
}

async function match(
  basis: RdiffBasis,
  target: Source | IndexedInput,
  options: CreateRdiffDeltaOptions,
): Promise<Matched> {
  if (isSignature(basis)) {
    const source = isIndexed(target) ? target.source : target;
    return { basis: undefined, target: source, matches: await matchSignature(basis, source, options.signal) };
  }
  const matched = await matchInputs(basis, target, options);
  return { basis: matched.basis.source, target: matched.target.source, matches: matched.matches };
}

/** Turns ranges of the target into ops, and hashes the target on the way. */
class TargetWriter {
  readonly #ops: RdiffOpWriter;
  readonly #target: PagedSource;
  readonly #basis: PagedSource | undefined;
  readonly #digest: Sha256;
  readonly #options: CreateRdiffDeltaOptions;
  readonly #targetPiece = new Uint8Array(PIECE_BYTES);
  readonly #basisPiece = new Uint8Array(PIECE_BYTES);

  constructor(
    ops: RdiffOpWriter,
    digest: Sha256,
    sources: { target: Source; basis: Source | undefined },
    options: CreateRdiffDeltaOptions,
  ) {
    this.#ops = ops;
    this.#digest = digest;
    this.#target = new PagedSource(sources.target);
    this.#basis = sources.basis && new PagedSource(sources.basis);
    this.#options = options;
  }

  /** The pieces of a range of the target, each valid until the next. */
  async *#pieces(offset: number, length: number) {
    for (let at = 0; at < length; at += PIECE_BYTES) {
      this.#options.signal?.throwIfAborted();
      const piece = this.#targetPiece.subarray(0, Math.min(PIECE_BYTES, length - at));
      await readPaged(this.#target, offset + at, piece);
      yield { at, piece };
    }
    this.#options.onProgress?.({
      phase: "write",
      doneBytes: offset + length,
      totalBytes: this.#target.size,
    });
  }

  /** Hash a range, and tell whether the basis has the same bytes; without a basis at hand the signature must be trusted. */
  async isInBasis(offset: number, length: number, basisOffset: number): Promise<boolean> {
    let isEqual = true;
    for await (const { at, piece } of this.#pieces(offset, length)) {
      this.#digest.update(piece);
      if (this.#basis === undefined) continue;
      const other = this.#basisPiece.subarray(0, piece.length);
      await readPaged(this.#basis, basisOffset + at, other);
      isEqual &&= equalBytes(piece, other);
    }
    return isEqual;
  }

  async literal(offset: number, length: number, isHashed: boolean): Promise<void> {
    if (length === 0) return;
    await this.#ops.literal(length);
    for await (const { piece } of this.#pieces(offset, length)) {
      if (!isHashed) this.#digest.update(piece);
      await this.#ops.bytes(piece);
    }
  }
}

/**
 * Write a delta that `rdiff patch` applies, and `balena-engine` inside of its delta images.
 *
 * With the basis at hand matches are extended past the edges of blocks, and compared byte by byte: the delta is right whatever
 * the hashes say. From a signature alone they are as sure as its strong hashes.
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
 * @throws RangeError when `blockBytes` is out of range.
 */
export async function createRdiffDelta(
  basis: Source | RdiffSignature,
  target: Source,
  sink: Sink,
  options: CreateRdiffDeltaOptions = {},
): Promise<RdiffDeltaStats> {
  const readable = isSource(basis) ? basis : undefined;
  const matches = isSource(basis)
    ? await matchBasis(basis, target, options)
    : await matchSignature(basis, target, options.signal);
  const out = countingSink(sink);
  const digest = createSha256();
  const ops = new RdiffOpWriter(out);
  const writer = new TargetWriter(ops, digest, { target, basis: readable }, options);
  let done = 0;
  for (const { targetOffset, basisOffset, length } of matches) {
    if (copyOpBytes(basisOffset, length) >= length) continue;
    await writer.literal(done, targetOffset - done, false);
    if (await writer.isInBasis(targetOffset, length, basisOffset)) await ops.copy(basisOffset, length);
    else await writer.literal(targetOffset, length, true);
    done = targetOffset + length;
  }
  await writer.literal(done, target.size - done, false);
  await ops.end();
  const { copiedBytes, literalBytes, opCount } = ops;
  return {
    ...{ copiedBytes, literalBytes, opCount },
    deltaBytes: out.bytesWritten,
    targetBytes: target.size,
    targetSha256: digest.digest(),
  };
}
