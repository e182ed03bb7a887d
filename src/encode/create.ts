import { type DeltaAccount, type OpTotals, TargetForm } from "../delta/index.ts";
import { createSha256 } from "../hash/index.ts";
import { type OnProgress, readRange, type Sink, type Source, scanSource } from "../io/index.ts";
import { addColumns, MatchList, matchBlocks, mergeMatches } from "../match/index.ts";
import { buildSignature, type Signature } from "../signature/index.ts";
import type { InPlaceSettings } from "./in-place.ts";
import type { EntrySpan, IndexedInput, SourceIndex } from "./input.ts";
import { chooseCoding, DEFAULT_LEVEL, type DeltaCodec, getLevel } from "./levels.ts";
import { MAX_PAIR_BYTES, matchEntries } from "./match-entries.ts";
import { type DeltaWorkers, inlineWorkers } from "./workers.ts";
import { writeDelta } from "./write.ts";

/** What a delta starts from: an image, plain bytes, or, where the basis is not at hand, its signature. */
export type DeltaBasis = IndexedInput | Source | Signature;

/** What a delta leads to: an image or plain bytes. */
export type DeltaTarget = IndexedInput | Source;

/** Options of {@link createDelta}. */
export interface CreateDeltaOptions {
  /** How the streams are coded; the level's own unless said otherwise. See {@link DeltaCodec}. */
  codec?: DeltaCodec | undefined;
  /** How much time making the delta may take, from 1 (quick) to 9 (small); {@link DEFAULT_LEVEL} unless said otherwise. */
  level?: number | undefined;
  /** Free text by key that travels in the header ("basis.reference": "app:1"). */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Bound of a target window: a place to resume at; 512 MiB by default. */
  windowBytes?: number | undefined;
  /** Bound of what one segment decodes to, which is memory on the device: 64 bytes at least, 512 KiB by default. */
  segmentBytes?: number | undefined;
  /**
   * What applying the delta in place may take on the device. Where the bytes of basis and target moved around each other so that
   * a larger stash would be needed, some are sent again. `false` makes a delta that can be applied as a stream alone, and is a few
   * bytes smaller.
   */
  inPlace?: InPlaceSettings | false | undefined;
  /**
   * Who matches pairs of files and codes segments: the calling thread unless said otherwise. `createWorkerPool` of
   * `flatdelta/encode/node` makes use of several processor cores. The delta's bytes do not depend on it.
   */
  workers?: Partial<DeltaWorkers> | undefined;
  signal?: AbortSignal | undefined;
  /** Phases: "read basis", "read target", "match", "write". */
  onProgress?: OnProgress | undefined;
}

/** What {@link createDelta} made. */
export interface DeltaStats extends OpTotals {
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  windowCount: number;
  /** What of the delta makes which file. */
  account: DeltaAccount;
}

// Size of the blocks by which moved content is found again. Matches are extended past their edges, so what is lost is
// only content that moved in pieces shorter than two blocks.
const GLOBAL_BLOCK_BYTES = 512;

// A gap that holds no whole block cannot give a match.
const MIN_GLOBAL_GAP_BYTES = 2 * GLOBAL_BLOCK_BYTES;

// Looking for less takes 0.3 s for an image of 280 MB, and could save a kilobyte.
const MIN_GLOBAL_BYTES = 8 * GLOBAL_BLOCK_BYTES;

// A signature of so many bytes keeps the index under 150 MiB; larger bases get larger blocks.
const MAX_GLOBAL_BLOCKS = 1 << 22;

const isIndexed = (input: DeltaBasis): input is IndexedInput => "source" in input;
const isSignature = (input: DeltaBasis): input is Signature => "weakHashes" in input;

/** A side whose bytes are at hand. */
interface Side {
  source: Source;
  index: SourceIndex;
}

async function indexInput(
  input: Source | IndexedInput,
  phase: string,
  options: CreateDeltaOptions,
): Promise<Side> {
  const { signal } = options;
  const onProgress: OnProgress | undefined =
    options.onProgress && ((progress) => options.onProgress?.({ ...progress, phase }));
  if (isIndexed(input)) return { source: input.source, index: await input.index({ signal, onProgress }) };
  const digest = createSha256();
  let doneBytes = 0;
  for await (const piece of scanSource(input, { signal })) {
    digest.update(piece);
    doneBytes += piece.length;
    onProgress?.({ phase, doneBytes, totalBytes: input.size });
  }
  return { source: input, index: { sha256: digest.digest(), entries: [] } };
}

/** Index both sides at the same time; of the basis nothing when there is its signature alone. */
async function indexBoth(
  basis: DeltaBasis,
  target: DeltaTarget,
  options: CreateDeltaOptions,
): Promise<[target: Side, basis: Side | undefined]> {
  if (isSignature(basis)) return [await indexInput(target, "read target", options), undefined];
  // Progress goes from phase to phase, each from its beginning to its end.
  let isTargetDone = false;
  const whenDone: OnProgress = (progress) => isTargetDone && options.onProgress?.(progress);
  const old = indexInput(basis, "read basis", { ...options, onProgress: options.onProgress && whenDone });
  // Seen by the `await` below, unless the target fails first.
  old.catch(() => {});
  try {
    const wanted = await indexInput(target, "read target", options);
    isTargetDone = true;
    return [wanted, await old];
  } catch (error) {
    // The sources may be closed next.
    await old.catch(() => {});
    throw error;
  }
}

/** Match what the files and paths suggest: entries of two images, or one file with another. */
async function matchLikely(
  basis: Side,
  target: Side,
  searchesContent: boolean,
  options: CreateDeltaOptions,
): Promise<MatchList> {
  const matches = new MatchList();
  if (basis.index.entries.length > 0 && target.index.entries.length > 0) {
    await matchEntries(basis, target, matches, { ...options, searchesContent });
  } else if (basis.source.size <= MAX_PAIR_BYTES && target.source.size <= MAX_PAIR_BYTES) {
    const { pairMatching } = { ...inlineWorkers, ...options.workers };
    const { signal } = options;
    const columns = await pairMatching.match(
      await readRange(target.source, 0, target.source.size, MAX_PAIR_BYTES),
      await readRange(basis.source, 0, basis.source.size, MAX_PAIR_BYTES),
      signal,
    );
    addColumns(matches, 0, 0, columns);
  }
  return matches;
}

/** Match what is left with blocks from anywhere in the basis. */
async function matchMoved(
  { source: basis, index }: Side,
  target: Source,
  matches: MatchList,
  { signal, onProgress }: CreateDeltaOptions,
): Promise<MatchList> {
  const gaps = [...matches.gaps(target.size)].filter((gap) => gap.length >= MIN_GLOBAL_GAP_BYTES);
  if (gaps.reduce((sum, gap) => sum + gap.length, 0) < MIN_GLOBAL_BYTES) return matches;
  let blockBytes = GLOBAL_BLOCK_BYTES;
  while (basis.size / blockBytes > MAX_GLOBAL_BLOCKS) blockBytes *= 2;
  const signature = await buildSignature(basis, { blockBytes, basisSha256: index.sha256, signal });
  const moved = new MatchList();
  await matchBlocks({ signature, basis, target }, gaps, moved, {
    signal,
    onRange: ({ offset, length }) =>
      onProgress?.({ phase: "match", doneBytes: offset + length, totalBytes: target.size }),
  });
  return mergeMatches(matches, moved);
}

/**
 * Make the delta that leads from a basis to a target.
 *
 * With both at hand, whole files are found by content wherever they were, changed files are matched byte by byte with their
 * likely predecessors, of which name and content tell, and what is left with blocks from anywhere in the basis. From a
 * signature alone, blocks are all there is: the delta is larger.
 *
 * The same inputs and options give the same bytes. Basis and target must not change meanwhile. Memory: 256 MiB of files
 * at a time, or one pair of up to 256 MiB each, with indexes of once to twice the size of the basis' files; for larger
 * files 4 MiB and an index of the blocks.
 *
 * ```ts
 * const file = await createAtomicFile("app-1-2.delta");
 * const { deltaBytes } = await createDelta(await openFlatImage(old), await openFlatImage(wanted), file);
 * await file.commit();
 * ```
 *
 * @param sink - receives the delta in order.
 * @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when this runtime lacks the codec.
 */
export async function createDelta(
  basis: DeltaBasis,
  target: DeltaTarget,
  sink: Sink,
  options: CreateDeltaOptions = {},
): Promise<DeltaStats> {
  const { level = DEFAULT_LEVEL, metadata = {}, signal } = options;
  const { inPlace = {} } = options;
  const settings = getLevel(level);
  const coding = chooseCoding(options.codec ?? settings.codec, settings);
  const [wanted, old] = await indexBoth(basis, target, options);
  let matches: MatchList;
  let known: {
    basis: Source | undefined;
    basisBytes: number;
    basisSha256: Uint8Array;
    basisEntries: readonly EntrySpan[];
  };
  if (old === undefined) {
    const signature = basis as Signature;
    matches = new MatchList();
    const whole = { offset: 0, length: wanted.source.size };
    await matchBlocks({ signature, target: wanted.source }, [whole], matches, { signal });
    known = {
      basis: undefined,
      basisBytes: signature.basisBytes,
      basisSha256: signature.basisSha256,
      basisEntries: [],
    };
  } else {
    const { searchesContent } = settings;
    matches = await matchLikely(old, wanted, searchesContent, options);
    if (searchesContent) matches = await matchMoved(old, wanted.source, matches, options);
    known = {
      basis: old.source,
      basisBytes: old.source.size,
      basisSha256: old.index.sha256,
      basisEntries: old.index.entries,
    };
  }
  const written = await writeDelta(
    {
      ...known,
      target: wanted.source,
      targetSha256: wanted.index.sha256,
      envelope: wanted.index.envelope,
      targetForm: wanted.index.entries.length > 0 ? TargetForm.FLAT_IMAGE : TargetForm.PLAIN,
      matches,
      targetEntries: wanted.index.entries,
    },
    sink,
    {
      ...options,
      coding,
      metadata,
      inPlace: inPlace === false ? undefined : inPlace,
      segmentCoding: options.workers?.segmentCoding,
    },
  );
  return {
    ...written,
    basisBytes: known.basisBytes,
    targetBytes: wanted.source.size,
    targetSha256: wanted.index.sha256,
  };
}
