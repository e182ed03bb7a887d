import { inlineCoding, type SegmentCoding } from "../codec/index.ts";
import {
  DEFAULT_SEGMENT_BYTES,
  DEFAULT_WINDOW_BYTES,
  type DeltaAccount,
  DeltaAccountant,
  DeltaWriter,
  givenConfigBytes,
  type InPlaceHeader,
  type OpTotals,
  StreamId,
  type TargetForm,
  type TreeHeader,
} from "../delta/index.ts";
import { createHashCore, type WholeHashes } from "../hash/index.ts";
import { type OnProgress, readRanges, type Sink, type Source } from "../io/index.ts";
import { type MatchList, MatchWalk } from "../match/index.ts";
import { type EnvelopePlan, planEnvelope } from "./envelope.ts";
import { type InPlaceSettings, planInPlace } from "./in-place.ts";
import type { EntrySpan, EnvelopeSpan } from "./input.ts";
import { fitCoding, type StreamCoding } from "./levels.ts";
import { chooseLiteralCoding } from "./literals.ts";
import { MAX_ADDED_BYTES, OpFeeder, type WindowTaker } from "./op-feeder.ts";
import { inlineRangeHashing, type RangeHashing } from "./range-hashing.ts";
import { type RawWindow, WindowBuilder } from "./window-builder.ts";
import { WindowCoder } from "./window-coder.ts";

/** What {@link writeDelta} needs to know beside the matches. */
export interface WriteInput {
  /** The basis, needed only where a match is not exact. */
  basis: Source | undefined;
  basisBytes: number;
  basisHashes: Promise<WholeHashes>;
  target: Source;
  targetHashes: Promise<WholeHashes>;
  targetForm: TargetForm;
  envelope: EnvelopeSpan | undefined;
  matches: MatchList;
  /** Entries of target and basis, for the account; none where they are not known. */
  targetEntries: readonly EntrySpan[];
  basisEntries: readonly EntrySpan[];
  /** What updating an unpacked root file system takes, where both are images. */
  tree: TreeHeader | undefined;
}

/** How it is written. */
export interface WriteSettings {
  coding: Readonly<Record<StreamId, StreamCoding>>;
  metadata: Readonly<Record<string, string>>;
  windowBytes?: number | undefined;
  segmentBytes?: number | undefined;
  /** What applying in place may take; `undefined` for a delta that can only be applied as a stream. */
  inPlace: InPlaceSettings | undefined;
  /** Where segments are coded: in the calling thread by default. */
  segmentCoding?: SegmentCoding | undefined;
  /** Where windows are hashed: likewise. */
  rangeHashing?: RangeHashing | undefined;
  /** Whether to tell what of the delta makes which file: true unless said otherwise. */
  wantsAccount?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

// What an op takes in the control stream on average, before it is coded.
const OP_BYTES = 5;

/** About how many raw bytes each stream will have. */
function expectBytes(matches: MatchList, targetBytes: number): Record<StreamId, number> {
  const { gapBytes, diffBytes, headerBytes } = matches.countTotals(targetBytes);
  return {
    [StreamId.CONTROL]: matches.size * OP_BYTES,
    [StreamId.DATA]: gapBytes,
    [StreamId.RESIDUAL]: diffBytes + headerBytes,
  };
}

/** The matches that a device can follow in place, and what that takes. */
function fitInPlace(
  { matches, basisBytes, target }: WriteInput,
  { head, ranges }: EnvelopePlan,
  segmentBytes: number,
  settings: InPlaceSettings | undefined,
): { matches: MatchList; inPlace: InPlaceHeader | undefined } {
  if (settings === undefined) return { matches, inPlace: undefined };
  const behindHead = ranges.filter(({ offset }) => offset >= head.length);
  const input = { basisBytes, targetBytes: target.size, headBytes: head.length, segmentBytes };
  const fitted = planInPlace(matches, behindHead, input, settings);
  return { matches: fitted.matches, inPlace: fitted.header };
}

/** Keeps the literals of windows, as they will be coded. */
class LiteralGatherer implements WindowTaker {
  readonly segments: Uint8Array[] = [];

  async push(window: RawWindow): Promise<void> {
    const literals = window.segments.get(StreamId.DATA);
    if (literals !== undefined) this.segments.push(literals.slice());
    window.release();
  }

  async finish(): Promise<void> {}
}

/** Make the windows of a target, and give them to `taker`. */
async function feedWindows(
  { matches, target, basis }: Pick<WriteInput, "matches" | "target" | "basis">,
  envelope: EnvelopePlan,
  builder: WindowBuilder,
  taker: WindowTaker,
  onBytes: (doneBytes: number) => void,
): Promise<void> {
  if (envelope.header !== undefined) builder.addHead(envelope.head.length, givenConfigBytes(envelope.header));
  const feeder = new OpFeeder(builder, taker, target, basis);
  const walk = new MatchWalk(matches);
  for (const range of envelope.ranges) {
    const end = range.offset + range.length;
    let told = range.offset;
    for (let at = range.offset; at < end; ) {
      const { match, length } = walk.from(at);
      const bytes = Math.min(length, end - at, MAX_ADDED_BYTES);
      const added = feeder.add(match, at, bytes);
      if (added !== undefined) await added;
      at += bytes;
      if (at - told < MAX_ADDED_BYTES && at < end) continue;
      onBytes(at);
      told = at;
    }
  }
  await feeder.finish();
}

/**
 * Write the delta that the matches describe. Of the target its literals are read, what differs from the basis, and each window for
 * its checksum, where that is not that of the whole.
 */
export async function writeDelta(
  input: WriteInput,
  sink: Sink,
  settings: WriteSettings,
): Promise<OpTotals & { deltaBytes: number; windowCount: number; account: DeltaAccount | undefined }> {
  const { target } = input;
  const { coding, windowBytes = DEFAULT_WINDOW_BYTES, signal, onProgress } = settings;
  const streams = Object.values(StreamId);
  const segmentBytes = Math.min(
    settings.segmentBytes ?? DEFAULT_SEGMENT_BYTES,
    ...streams.map((stream) => coding[stream].codec.maxSegmentBytes ?? Number.POSITIVE_INFINITY),
  );
  const { segmentCoding = inlineCoding, rangeHashing = inlineRangeHashing } = settings;
  const envelope = await planEnvelope(target, input.envelope, { windowBytes, segmentBytes });
  const { matches, inPlace } = fitInPlace(input, envelope, segmentBytes, settings.inPlace);
  const expectedBytes = expectBytes(matches, target.size);
  const createBuilder = async (): Promise<WindowBuilder> =>
    new WindowBuilder(
      await createHashCore(),
      { windowBytes, segmentBytes },
      coding[StreamId.RESIDUAL].codec.needsBasis,
      expectedBytes,
    );
  const { coding: literalCoding, primer } = await chooseLiteralCoding(
    input.basis,
    target,
    matches,
    expectedBytes[StreamId.DATA],
    coding[StreamId.DATA],
    async () => {
      const gatherer = new LiteralGatherer();
      await feedWindows({ ...input, matches }, envelope, await createBuilder(), gatherer, () =>
        signal?.throwIfAborted(),
      );
      return gatherer.segments;
    },
  );
  const fitted = (stream: StreamId): StreamCoding =>
    stream === StreamId.DATA ? literalCoding : fitCoding(coding[stream], expectedBytes[stream]);
  const encoders = new Map(
    streams.map((stream) => {
      const { codec, effort, windowBits } = fitted(stream);
      return [stream, segmentCoding.createEncoder(codec, { effort, windowBits }, expectedBytes[stream])];
    }),
  );
  try {
    let primed: Promise<void> | undefined;
    if (primer.length > 0) {
      // Segments wait for it in the encoder, the calling thread does not.
      primed = encoders.get(StreamId.DATA)!.prime!(await readRanges(input.basis!, primer));
      primed.catch(() => {}); // seen by the `await` below
    }
    const basisHashes = await input.basisHashes;
    const targetHashes = await input.targetHashes;
    const writer = await DeltaWriter.begin(sink, {
      targetForm: input.targetForm,
      basisBytes: input.basisBytes,
      basisSha256: basisHashes.sha256,
      basisXxh64: basisHashes.xxh64,
      targetBytes: target.size,
      targetSha256: targetHashes.sha256,
      windowBytes,
      segmentBytes,
      streams: streams.map((stream) => ({
        stream,
        codecId: fitted(stream).codec.id,
        decoderMemoryBytes: fitted(stream).codec.decoderMemoryBytes(fitted(stream).windowBits),
      })),
      envelope: envelope.header,
      primer,
      inPlace,
      tree: input.tree,
      metadata: settings.metadata,
    });
    const accountant =
      settings.wantsAccount === false
        ? undefined
        : new DeltaAccountant(
            { basisBytes: input.basisBytes, envelope: envelope.header },
            input.targetEntries,
            input.basisEntries,
          );
    const hashTarget = async (offset: number, length: number): Promise<bigint> =>
      length === target.size
        ? targetHashes.xxh64
        : await rangeHashing.hash64(target, { offset, length }, signal);
    const coder = new WindowCoder(writer, encoders, accountant, hashTarget);
    const builder = await createBuilder();
    await feedWindows({ ...input, matches }, envelope, builder, coder, (doneBytes) => {
      signal?.throwIfAborted();
      onProgress?.({ phase: "write", doneBytes, totalBytes: target.size });
    });
    await primed;
    await writer.end(coder.count);
    const deltaBytes = writer.bytesWritten;
    return {
      ...builder.totals,
      deltaBytes,
      windowCount: coder.count,
      account: accountant?.finish(deltaBytes),
    };
  } finally {
    for (const encoder of encoders.values()) encoder.close();
  }
}
