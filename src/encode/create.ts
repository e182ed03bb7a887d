import type { CodecName } from "../codec/index.ts";
import { type OpTotals, TargetForm } from "../delta/index.ts";
import { createSha256 } from "../hash/index.ts";
import { type OnProgress, readRange, type Sink, type Source, scanSource } from "../io/index.ts";
import { MatchList, PairMatcher } from "../match/index.ts";
import type { IndexedInput, SourceIndex } from "./input.ts";
import { MAX_PAIR_BYTES, matchEntries } from "./match-entries.ts";
import { writeDelta } from "./write.ts";

/** Options of {@link createDelta}. */
export interface CreateDeltaOptions {
  /** How the streams are coded: "brotli" unless said otherwise. */
  codec?: CodecName | undefined;
  /** Effort of the codec, 1 (quick) to 9 (small). */
  effort?: number | undefined;
  /** Free text by key that travels in the header ("basis.reference": "app:1"). */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Bound of a target window: a place to resume at; 64 MiB by default. */
  windowBytes?: number | undefined;
  /** Bound of what one segment decodes to, which is memory on the device: 64 bytes at least, 4 MiB by default. */
  segmentBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

/** What {@link createDelta} made. */
export interface DeltaStats extends OpTotals {
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  windowCount: number;
}

const isIndexed = (input: Source | IndexedInput): input is IndexedInput => "source" in input;

async function indexInput(
  input: Source | IndexedInput,
  phase: string,
  options: CreateDeltaOptions,
): Promise<{ source: Source; index: SourceIndex }> {
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

export async function createDelta(
  basis: Source | IndexedInput,
  target: Source | IndexedInput,
  sink: Sink,
  options: CreateDeltaOptions = {},
): Promise<DeltaStats> {
  const {
    codec = "brotli",
    effort = 7,
    metadata = {},
    windowBytes,
    segmentBytes,
    signal,
    onProgress,
  } = options;
  const old = await indexInput(basis, "read basis", options);
  const wanted = await indexInput(target, "read target", options);
  const matches = new MatchList();
  const pairs = new PairMatcher();
  if (old.index.entries.length > 0 && wanted.index.entries.length > 0) {
    const sides = {
      basis: old.source,
      basisIndex: old.index,
      target: wanted.source,
      targetIndex: wanted.index,
    };
    await matchEntries(sides, pairs, matches, { signal, onProgress });
  } else if (old.source.size <= MAX_PAIR_BYTES && wanted.source.size <= MAX_PAIR_BYTES) {
    pairs.match(
      await readRange(wanted.source, 0, wanted.source.size, MAX_PAIR_BYTES),
      await readRange(old.source, 0, old.source.size, MAX_PAIR_BYTES),
      (...match) => matches.add(...match),
    );
  }
  const written = await writeDelta(
    {
      basis: old.source,
      basisBytes: old.source.size,
      basisSha256: old.index.sha256,
      target: wanted.source,
      targetSha256: wanted.index.sha256,
      targetForm: wanted.index.entries.length > 0 ? TargetForm.FLAT_IMAGE : TargetForm.PLAIN,
      matches,
    },
    sink,
    { codec, effort, metadata, windowBytes, segmentBytes, signal, onProgress },
  );
  return {
    ...written,
    basisBytes: old.source.size,
    targetBytes: wanted.source.size,
    targetSha256: wanted.index.sha256,
  };
}
