import { type DeltaAccount, type OpTotals, TargetForm, type TreeHeader } from "../delta/index.ts";
import type { OnProgress, Sink, Source } from "../io/index.ts";
import { MatchList, matchBlocks } from "../match/index.ts";
import type { Signature } from "../signature/index.ts";
import type { InPlaceSettings } from "./in-place.ts";
import type { EntrySpan, IndexedInput } from "./input.ts";
import { chooseCoding, DEFAULT_LEVEL, type DeltaCodec, getLevel } from "./levels.ts";
import { indexInput, type MatchedSide, matchInputs } from "./match-inputs.ts";
import { measureTree } from "./tree.ts";
import type { DeltaWorkers } from "./workers.ts";
import { type WriteInput, writeDelta } from "./write.ts";

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
  /** Whether to tell what of the delta makes which file: true unless said otherwise. It takes a twentieth of the time. */
  wantsAccount?: boolean | undefined;
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
  /** What of the delta makes which file, if that was asked for. */
  account: DeltaAccount | undefined;
}

const isSignature = (input: DeltaBasis): input is Signature => "weakHashes" in input;

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
  let matches: MatchList;
  let wanted: MatchedSide;
  let known: {
    basis: Source | undefined;
    basisBytes: number;
    basisHashes: WriteInput["basisHashes"];
    basisEntries: readonly EntrySpan[];
    tree: TreeHeader | undefined;
  };
  if (isSignature(basis)) {
    const { wholeHashing } = options.workers ?? {};
    wanted = await indexInput(target, "read target", { ...options, wholeHashing });
    matches = new MatchList();
    const whole = { offset: 0, length: wanted.source.size };
    await matchBlocks({ signature: basis, target: wanted.source }, [whole], matches, { signal });
    known = {
      basis: undefined,
      basisBytes: basis.basisBytes,
      basisHashes: Promise.resolve({ sha256: basis.basisSha256, xxh64: basis.basisXxh64 }),
      basisEntries: [],
      tree: undefined,
    };
  } else {
    const { searchesContent, skims } = settings;
    const matched = await matchInputs(basis, target, { ...options, searchesContent, skims });
    ({ matches, target: wanted } = matched);
    const { source, index } = matched.basis;
    known = {
      basis: source,
      basisBytes: source.size,
      basisHashes: index.hashes,
      basisEntries: index.entries,
      // Only of flat images all entries have an identity.
      tree: index.envelope && wanted.index.envelope && measureTree(index.entries, wanted.index.entries),
    };
  }
  const written = await writeDelta(
    {
      ...known,
      target: wanted.source,
      targetHashes: wanted.index.hashes,
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
      rangeHashing: options.workers?.rangeHashing,
    },
  );
  return {
    ...written,
    basisBytes: known.basisBytes,
    targetBytes: wanted.source.size,
    targetSha256: (await wanted.index.hashes).sha256,
  };
}
