import { getCodecById, inlineCoding, type SegmentCoding, type SegmentDecoder } from "../codec/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { StreamId } from "./format.ts";
import type { DeltaHeader } from "./header.ts";
import { BasisCursor, type OpBounds, OpReader } from "./ops.ts";
import type { CodedWindow } from "./writer.ts";

/** A target window whose control segment is decoded: what {@link OpReader} needs. */
export interface OpenedWindow {
  readonly coded: CodedWindow;
  readonly control: Uint8Array;
}

/** Decodes the windows of a delta, in order: the codecs keep their state from window to window. */
export class WindowDecoder {
  /** Whether residual bytes can be decoded only with the basis bytes that they are added to. */
  readonly residualNeedsBasis: boolean;
  readonly #header: DeltaHeader;
  readonly #streams = new Map<StreamId, { decoder: SegmentDecoder; last: Promise<unknown> }>();
  readonly #cursor = new BasisCursor();
  readonly #cursorAhead = new BasisCursor();

  /** @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when a codec is unknown or missing in this runtime. */
  constructor(header: DeltaHeader, coding: SegmentCoding = inlineCoding) {
    this.#header = header;
    const codecs = header.streams.map(({ stream, codecId }) => ({ stream, codec: getCodecById(codecId) }));
    for (const { stream, codec } of codecs) {
      if (codec.needsBasis && stream !== StreamId.RESIDUAL) {
        throw new FormatError(
          ErrorCode.CORRUPT_HEADER,
          `codec ${codec.name} is for residuals, found it on stream ${stream}`,
        );
      }
    }
    for (const { stream, codec } of codecs) {
      this.#streams.set(stream, { decoder: coding.createDecoder(codec), last: Promise.resolve() });
    }
    this.residualNeedsBasis = codecs.some(({ codec }) => codec.needsBasis);
  }

  /**
   * Decode a segment of a window. Windows must come in order; a later one may be asked for before an earlier one is done.
   *
   * @param into - filled with the segment: {@link rawBytesOf} bytes.
   * @param basis - for the residual stream when {@link residualNeedsBasis}: the basis bytes of the window's DIFF ops, one
   * after another.
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  decodeSegment(window: CodedWindow, stream: StreamId, into: Uint8Array, basis?: Uint8Array): Promise<void> {
    const segment = window.segments.find((candidate) => candidate.stream === stream);
    if (segment === undefined) return Promise.resolve();
    const state = this.#streams.get(stream)!;
    const decoded = state.last.then(() => state.decoder.decode(segment.coded, into, basis));
    state.last = decoded;
    // Seen by whoever awaits what is returned; until then it must not count as unhandled.
    decoded.catch(() => {});
    return decoded;
  }

  /** Decode the ops of the next window. */
  async open(coded: CodedWindow): Promise<OpenedWindow> {
    const control = new Uint8Array(rawBytesOf(coded, StreamId.CONTROL));
    await this.decodeSegment(coded, StreamId.CONTROL, control);
    return { coded, control };
  }

  /** The checked ops of a window. Each window's ops must be taken to their end, in the windows' order. */
  ops(window: OpenedWindow): OpReader {
    return new OpReader(window.control, this.#bounds(window.coded), this.#cursor);
  }

  /** The same ops, for a reader that goes ahead of {@link ops} and needs them in the windows' order too. */
  opsAhead(window: OpenedWindow): OpReader {
    return new OpReader(window.control, this.#bounds(window.coded), this.#cursorAhead);
  }

  #bounds(window: CodedWindow): OpBounds {
    return {
      basisBytes: this.#header.basisBytes,
      windowBytes: window.targetBytes,
      literalBytes: rawBytesOf(window, StreamId.DATA),
      residualBytes: rawBytesOf(window, StreamId.RESIDUAL),
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
