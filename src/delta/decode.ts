import {
  getCodecById,
  inlineCoding,
  type ResidualSpans,
  type SegmentCoding,
  type SegmentDecoder,
} from "../codec/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import type { SourceRange } from "../io/index.ts";
import { givenConfigBytes } from "./envelope.ts";
import { StreamId } from "./format.ts";
import type { DeltaHeader } from "./header.ts";
import { BasisCursor, type OpBounds, OpReader } from "./ops.ts";
import type { CodedWindow } from "./writer.ts";

/** A target window whose control segment is decoded: what {@link OpReader} needs. */
export interface OpenedWindow {
  readonly coded: CodedWindow;
  readonly control: Uint8Array;
  /** What the window's ops make: its target bytes, but for the head of a flat image, which is computed. */
  readonly opBytes: number;
}

/** Decodes the windows of a delta, in order: the codecs keep their state from window to window. */
export class WindowDecoder {
  /** Whether residual bytes can be decoded only with the basis bytes that they are added to. */
  readonly residualNeedsBasis: boolean;
  readonly #header: DeltaHeader;
  readonly #streams = new Map<StreamId, { decoder: SegmentDecoder; last: Promise<unknown> }>();
  readonly #cursor = new BasisCursor();
  readonly #cursorAhead = new BasisCursor();
  #isFirst = true;

  /** @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when a codec is unknown or missing in this runtime. */
  constructor(header: DeltaHeader, coding: SegmentCoding = inlineCoding) {
    this.#header = header;
    const codecs = header.streams.map((declared) => ({ ...declared, codec: getCodecById(declared.codecId) }));
    for (const { stream, codec } of codecs) {
      const { maxSegmentBytes = Number.POSITIVE_INFINITY } = codec;
      if (header.segmentBytes > maxSegmentBytes) {
        throw new FormatError(
          ErrorCode.CORRUPT_HEADER,
          `delta header: expected segments of at most ${maxSegmentBytes} bytes with codec ${codec.name}, found ${header.segmentBytes}`,
        );
      }
      if (codec.isForControl === true && stream !== StreamId.CONTROL) {
        throw new FormatError(
          ErrorCode.CORRUPT_HEADER,
          `codec ${codec.name} is for control segments, found it on stream ${stream}`,
        );
      }
      if (codec.needsBasis && stream !== StreamId.RESIDUAL) {
        throw new FormatError(
          ErrorCode.CORRUPT_HEADER,
          `codec ${codec.name} is for residuals, found it on stream ${stream}`,
        );
      }
    }
    for (const { stream, codec, decoderMemoryBytes } of codecs) {
      const decoder = coding.createDecoder(codec, decoderMemoryBytes);
      this.#streams.set(stream, { decoder, last: Promise.resolve() });
    }
    const dataCodec = codecs.find(({ stream }) => stream === StreamId.DATA)?.codec;
    if (this.primer.length > 0 && dataCodec?.takesHistory !== true) {
      throw new FormatError(
        ErrorCode.CORRUPT_HEADER,
        `delta header: expected no primer, codec ${dataCodec?.name ?? "none"} takes none`,
      );
    }
    this.residualNeedsBasis = codecs.some(({ codec }) => codec.needsBasis);
  }

  /** Ranges of the basis whose bytes, one after another, {@link prime} wants before the first data segment. */
  get primer(): readonly SourceRange[] {
    return this.#header.primer ?? [];
  }

  /** Whether a stream is decoded on another thread: see {@link SegmentDecoder.isElsewhere}. */
  isElsewhere(stream: StreamId): boolean {
    return this.#streams.get(stream)?.decoder.isElsewhere === true;
  }

  /** Let the data stream's decoder take the bytes of {@link primer}. */
  async prime(bytes: Uint8Array): Promise<void> {
    await this.#streams.get(StreamId.DATA)!.decoder.prime!(bytes);
  }

  /**
   * Decode a segment of a window. Windows must come in order; a later one may be asked for before an earlier one is done.
   *
   * @param into - filled with the segment: {@link rawBytesOf} bytes. For the residual stream when {@link residualNeedsBasis}
   * it holds the basis bytes of the window's DIFF ops, one after another, which become target bytes.
   * @param spans - then: where these bytes stand.
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  decodeSegment(
    window: CodedWindow,
    stream: StreamId,
    into: Uint8Array,
    spans?: ResidualSpans,
  ): Promise<void> {
    const segment = window.segments.find((candidate) => candidate.stream === stream);
    if (segment === undefined) return Promise.resolve();
    const state = this.#streams.get(stream)!;
    const adds = stream === StreamId.RESIDUAL && this.residualNeedsBasis;
    const decode = (): Promise<void> =>
      adds ? state.decoder.addTo!(segment.coded, into, spans) : state.decoder.decode(segment.coded, into);
    // A thread that has the next segment goes on while this one is busy.
    const decoded = state.decoder.queues === true ? decode() : state.last.then(decode);
    state.last = decoded;
    // Seen by whoever awaits what is returned; until then it must not count as unhandled.
    decoded.catch(() => {});
    return decoded;
  }

  /**
   * Decode the ops of the next window.
   *
   * @param control - filled with its control segment: {@link rawBytesOf} bytes. Ops are read from there.
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  async open(
    coded: CodedWindow,
    control: Uint8Array = new Uint8Array(rawBytesOf(coded, StreamId.CONTROL)),
  ): Promise<OpenedWindow> {
    const opBytes = this.#opBytes(coded);
    await this.decodeSegment(coded, StreamId.CONTROL, control);
    return { coded, control, opBytes };
  }

  /**
   * The checked ops of a window. Each window's ops must be taken to their end, in the windows' order.
   *
   * @param cursor - of whoever reads all ops once more; each reader has its own.
   */
  ops(window: OpenedWindow, cursor: BasisCursor = this.#cursor): OpReader {
    return new OpReader(window.control, this.#bounds(window), cursor);
  }

  /** The same ops, for a reader that goes ahead of {@link ops} and needs them in the windows' order too. */
  opsAhead(window: OpenedWindow): OpReader {
    return this.ops(window, this.#cursorAhead);
  }

  #opBytes({ targetBytes }: CodedWindow): number {
    const { envelope } = this.#header;
    if (envelope === undefined || !this.#isFirst) return targetBytes;
    this.#isFirst = false;
    if (targetBytes < envelope.headBytes) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `delta: expected a first window of at least the ${envelope.headBytes} bytes of the image's head, found ${targetBytes}`,
      );
    }
    return targetBytes - envelope.headBytes + givenConfigBytes(envelope);
  }

  #bounds({ coded, opBytes }: OpenedWindow): OpBounds {
    return {
      basisBytes: this.#header.basisBytes,
      windowBytes: opBytes,
      literalBytes: rawBytesOf(coded, StreamId.DATA),
      residualBytes: rawBytesOf(coded, StreamId.RESIDUAL),
    };
  }

  close(): void {
    for (const { decoder } of this.#streams.values()) decoder.close();
  }
}

/** How many bytes a window's segment of a stream decodes to. */
export function rawBytesOf(window: CodedWindow, stream: StreamId): number {
  return window.segments.find((segment) => segment.stream === stream)?.rawBytes ?? 0;
}
