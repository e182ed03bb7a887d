import type { OnProgress, Source } from "../io/index.ts";
import { addColumns, MatchList, matchBlocks, mergeMatches } from "../match/index.ts";
import { buildSignature } from "../signature/index.ts";
import type { IndexedInput, IndexOptions, SourceIndex } from "./input.ts";
import { MAX_PAIR_BYTES, matchEntries } from "./match-entries.ts";
import { hashWholeSource } from "./whole-hashing.ts";
import { type DeltaWorkers, inlineWorkers } from "./workers.ts";

// Size of the blocks by which moved content is found again. Matches are extended past their edges, so what is lost is
// only content that moved in pieces shorter than two blocks.
const GLOBAL_BLOCK_BYTES = 512;

// A gap that holds no whole block cannot give a match.
const MIN_GLOBAL_GAP_BYTES = 2 * GLOBAL_BLOCK_BYTES;

// Looking for less takes 0.3 s for an image of 280 MB, and could save a kilobyte.
const MIN_GLOBAL_BYTES = 8 * GLOBAL_BLOCK_BYTES;

// A signature of so many bytes keeps the index under 150 MiB; larger bases get larger blocks.
const MAX_GLOBAL_BLOCKS = 1 << 22;

/** Options of {@link matchInputs}. */
export interface MatchInputOptions {
  /** Whether content is found wherever it was, not by the names of files alone: true unless said otherwise. */
  searchesContent?: boolean | undefined;
  /** Whether pairs of files are skimmed: see `Pair`. */
  skims?: boolean | undefined;
  /** Who matches pairs of files: the calling thread unless said otherwise. */
  workers?: Partial<DeltaWorkers> | undefined;
  signal?: AbortSignal | undefined;
  /** Phases: "read basis", "read target", "match". */
  onProgress?: OnProgress | undefined;
}

/** A side whose bytes are at hand. */
export interface MatchedSide {
  source: Source;
  index: SourceIndex;
}

/** What {@link matchInputs} found. */
export interface MatchedInputs {
  basis: MatchedSide;
  target: MatchedSide;
  /** What of the target the basis has, exactly or nearly. */
  matches: MatchList;
}

const isIndexed = (input: Source | IndexedInput): input is IndexedInput => "source" in input;

/** Read an image or plain bytes once, and tell what is in them. */
export async function indexInput(
  input: Source | IndexedInput,
  phase: string,
  options: IndexOptions,
): Promise<MatchedSide> {
  const { wholeHashing, signal } = options;
  const onProgress: OnProgress | undefined =
    options.onProgress && ((progress) => options.onProgress?.({ ...progress, phase }));
  if (isIndexed(input))
    return {
      source: input.source,
      index: await input.index({ wholeHashing, signal, onProgress }),
    };
  const onBytes = (doneBytes: number): void => onProgress?.({ phase, doneBytes, totalBytes: input.size });
  let hashes = wholeHashing?.hashWhole(input, {}, signal);
  if (hashes === undefined) {
    hashes = hashWholeSource(input, {}, { signal, onBytes });
    await hashes;
  } else {
    hashes.catch(() => {}); // seen by whoever needs them
    onBytes(input.size);
  }
  return { source: input, index: { hashes, entries: [] } };
}

/** Index both sides at the same time. */
async function indexBoth(
  basis: Source | IndexedInput,
  target: Source | IndexedInput,
  options: MatchInputOptions,
): Promise<[basis: MatchedSide, target: MatchedSide]> {
  // Progress goes from phase to phase, each from its beginning to its end.
  let isTargetDone = false;
  const whenDone: OnProgress = (progress) => isTargetDone && options.onProgress?.(progress);
  const { wholeHashing } = { ...inlineWorkers, ...options.workers };
  const old = indexInput(basis, "read basis", {
    ...options,
    wholeHashing,
    onProgress: options.onProgress && whenDone,
  });
  // Seen by the `await` below, unless the target fails first.
  old.catch(() => {});
  try {
    const wanted = await indexInput(target, "read target", { ...options, wholeHashing });
    isTargetDone = true;
    return [await old, wanted];
  } catch (error) {
    // The sources may be closed next.
    await old.catch(() => {});
    throw error;
  }
}

/** Match what the files and paths suggest: entries of two images, or one file with another. */
async function matchLikely(
  basis: MatchedSide,
  target: MatchedSide,
  options: MatchInputOptions,
): Promise<MatchList> {
  if (basis.index.entries.length > 0 && target.index.entries.length > 0) {
    const { searchesContent = true } = options;
    return matchEntries(basis, target, { ...options, searchesContent });
  }
  const matches = new MatchList();
  const [basisBytes, targetBytes] = [basis.source.size, target.source.size];
  if (basisBytes <= MAX_PAIR_BYTES && targetBytes <= MAX_PAIR_BYTES) {
    const { pairMatching } = { ...inlineWorkers, ...options.workers };
    const pair = {
      target: { offset: 0, bytes: targetBytes },
      basis: [{ offset: 0, bytes: basisBytes }],
      skims: options.skims === true,
    };
    const sources = { target: target.source, basis: basis.source };
    addColumns(matches, 0, 0, await pairMatching.match(sources, [pair], options.signal));
  }
  return matches;
}

/** Match what is left with blocks from anywhere in the basis. */
async function matchMoved(
  { source: basis, index }: MatchedSide,
  target: Source,
  matches: MatchList,
  { signal, onProgress }: MatchInputOptions,
): Promise<MatchList> {
  const gaps = [...matches.gaps(target.size)].filter((gap) => gap.length >= MIN_GLOBAL_GAP_BYTES);
  if (gaps.reduce((sum, gap) => sum + gap.length, 0) < MIN_GLOBAL_BYTES) return matches;
  let blockBytes = GLOBAL_BLOCK_BYTES;
  while (basis.size / blockBytes > MAX_GLOBAL_BLOCKS) blockBytes *= 2;
  const signature = await buildSignature(basis, {
    blockBytes,
    basisHashes: await index.hashes,
    signal,
  });
  const moved = new MatchList();
  await matchBlocks({ signature, basis, target }, gaps, moved, {
    signal,
    onRange: ({ offset, length }) =>
      onProgress?.({ phase: "match", doneBytes: offset + length, totalBytes: target.size }),
  });
  return mergeMatches(matches, moved);
}

/**
 * Find what a target shares with a basis: whole files by content wherever they were, changed files byte by byte with their
 * likely predecessors, and what is left with blocks from anywhere in the basis.
 *
 * Memory is that of `createDelta`. The matches do not depend on the workers.
 */
export async function matchInputs(
  basis: Source | IndexedInput,
  target: Source | IndexedInput,
  options: MatchInputOptions = {},
): Promise<MatchedInputs> {
  const [old, wanted] = await indexBoth(basis, target, options);
  const likely = await matchLikely(old, wanted, options);
  const matches =
    options.searchesContent === false ? likely : await matchMoved(old, wanted.source, likely, options);
  return { basis: old, target: wanted, matches };
}
