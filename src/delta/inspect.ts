import { toHex } from "../bytes/index.ts";
import { codecName } from "../codec/index.ts";
import type { ByteInput } from "../io/index.ts";
import { rawBytesOf, WindowDecoder } from "./decode.ts";
import { givenConfigBytes } from "./envelope.ts";
import { StreamId, TargetForm } from "./format.ts";
import { countOp, type OpTotals, zeroOpTotals } from "./ops.ts";
import { DeltaReader, type DeltaReaderOptions } from "./reader.ts";

/** What a delta says of itself, and what it is made of. */
export interface DeltaInfo extends OpTotals {
  targetForm: "plain" | "flat-image";
  basisBytes: number;
  basisSha256: string;
  targetBytes: number;
  targetSha256: string;
  deltaBytes: number;
  windowCount: number;
  windowBytes: number;
  segmentBytes: number;
  /** Bytes of the target that are computed from others: the head of a flat image. */
  computedBytes: number;
  /** What applying takes in memory for decoding, beyond a few megabytes of buffers. */
  decoderMemoryBytes: number;
  /** What applying in place takes on the disk at most, beside the growth of the image; `null` where the delta does not allow it. */
  inPlace: { stashBytes: number; spoolBytes: number } | null;
  /** What updating an unpacked root file system takes beside it; `null` where that is not known. */
  tree: { contentBytes: number; entryCount: number } | null;
  streams: { name: string; codec: string; rawBytes: number; codedBytes: number }[];
  metadata: Readonly<Record<string, string>>;
}

const STREAM_NAMES: Record<StreamId, string> = {
  [StreamId.CONTROL]: "control",
  [StreamId.DATA]: "data",
  [StreamId.RESIDUAL]: "residual",
};

/**
 * Read a delta to its end without a basis: every length, op, segment and checksum is checked, so that success means that
 * the file is whole. Whether it makes the target only applying can tell.
 *
 * @throws {@link FormatError}, {@link UnsupportedError}, {@link LimitError} as applying would.
 */
export async function inspectDelta(delta: ByteInput, options: DeltaReaderOptions = {}): Promise<DeltaInfo> {
  const reader = await DeltaReader.open(delta, options);
  const { header } = reader;
  const decoder = new WindowDecoder(header);
  const totals = zeroOpTotals();
  const streams = new Map(
    header.streams.map(({ stream, codecId }) => [
      stream,
      { name: STREAM_NAMES[stream], codec: codecName(codecId), rawBytes: 0, codedBytes: 0 },
    ]),
  );
  try {
    for await (const window of reader.windows()) {
      for (const segment of window.segments) {
        const stream = streams.get(segment.stream)!;
        stream.rawBytes += segment.rawBytes;
        stream.codedBytes += segment.coded.length;
      }
      const ops = decoder.ops(await decoder.open(window));
      while (ops.next()) countOp(totals, ops);
      for (const stream of [StreamId.DATA, StreamId.RESIDUAL]) {
        const needsBasis = stream === StreamId.DATA ? decoder.primer.length > 0 : decoder.residualNeedsBasis;
        if (needsBasis) continue;
        await decoder.decodeSegment(window, stream, new Uint8Array(rawBytesOf(window, stream)));
      }
    }
  } finally {
    decoder.close();
    await reader.close();
  }
  return {
    targetForm: header.targetForm === TargetForm.FLAT_IMAGE ? "flat-image" : "plain",
    basisBytes: header.basisBytes,
    basisSha256: toHex(header.basisSha256),
    targetBytes: header.targetBytes,
    targetSha256: toHex(header.targetSha256),
    deltaBytes: reader.position,
    windowCount: reader.windowCount,
    windowBytes: header.windowBytes,
    segmentBytes: header.segmentBytes,
    decoderMemoryBytes: header.streams.reduce((sum, stream) => sum + stream.decoderMemoryBytes, 0),
    computedBytes:
      header.envelope === undefined ? 0 : header.envelope.headBytes - givenConfigBytes(header.envelope),
    ...totals,
    inPlace:
      header.inPlace === undefined
        ? null
        : { stashBytes: header.inPlace.stashBytes, spoolBytes: header.inPlace.spoolBytes },
    tree: header.tree ?? null,
    streams: [...streams.values()],
    metadata: header.metadata,
  };
}
