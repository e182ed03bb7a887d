import { EMPTY_BYTES } from "../bytes/index.ts";
import { getCodecById, type SegmentDecoder } from "../codec/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { StreamId } from "./format.ts";
import type { DeltaHeader } from "./header.ts";
import { BasisCursor, type OpBounds, OpReader } from "./ops.ts";
import type { CodedWindow } from "./writer.ts";

/** A target window, decoded: what {@link OpReader} and an applier need. */
export interface DecodedWindow {
  targetBytes: number;
  checksum: bigint;
  control: Uint8Array;
  data: Uint8Array;
  /** How many residual bytes the window's DIFF ops take. */
  residualBytes: number;
  /** The residual bytes; absent when their codec needs the basis: see {@link WindowDecoder.decodeResidual}. */
  residual: Uint8Array | undefined;
  /** What they are coded in then. */
  codedResidual: Uint8Array | undefined;
}

/** Decodes the windows of a delta, in order: the codecs keep their state from window to window. */
export class WindowDecoder {
  readonly #header: DeltaHeader;
  readonly #decoders = new Map<StreamId, SegmentDecoder>();
  readonly #residualNeedsBasis: boolean;
  readonly #cursor = new BasisCursor();

  /** @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when a codec is unknown or missing in this runtime. */
  constructor(header: DeltaHeader) {
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
    for (const { stream, codec } of codecs) this.#decoders.set(stream, codec.createDecoder());
    this.#residualNeedsBasis = codecs.some(({ codec }) => codec.needsBasis);
  }

  /**
   * Decode the segments of the next window; they are decoded side by side.
   *
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  async decode(window: CodedWindow): Promise<DecodedWindow> {
    const segments = new Map(window.segments.map((segment) => [segment.stream, segment]));
    const decode = async (stream: StreamId): Promise<Uint8Array> => {
      const segment = segments.get(stream);
      return segment === undefined
        ? EMPTY_BYTES
        : this.#decoders.get(stream)!.decode(segment.coded, segment.rawBytes);
    };
    const [control, data, residual] = await Promise.all([
      decode(StreamId.CONTROL),
      decode(StreamId.DATA),
      this.#residualNeedsBasis ? undefined : decode(StreamId.RESIDUAL),
    ]);
    const codedResidual = segments.get(StreamId.RESIDUAL);
    return {
      targetBytes: window.targetBytes,
      checksum: window.checksum,
      control,
      data,
      residual,
      residualBytes: codedResidual?.rawBytes ?? 0,
      codedResidual: this.#residualNeedsBasis ? codedResidual?.coded : undefined,
    };
  }

  /**
   * Decode residual bytes whose codec needs the basis. Each window's, once, in the windows' order.
   *
   * @param basis - the basis bytes of the window's DIFF ops one after another.
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  decodeResidual(window: DecodedWindow, basis: Uint8Array): Promise<Uint8Array> {
    return this.#decoders.get(StreamId.RESIDUAL)!.decode(window.codedResidual!, window.residualBytes, basis);
  }

  /** The ops of a window, looked at ahead of {@link ops}: they move nothing on. */
  peekOps(window: DecodedWindow): OpReader {
    return new OpReader(window.control, this.#bounds(window), this.#cursor.clone());
  }

  /** The checked ops of a decoded window. Each window's ops must be taken to their end, in the windows' order. */
  ops(window: DecodedWindow): OpReader {
    return new OpReader(window.control, this.#bounds(window), this.#cursor);
  }

  #bounds(window: DecodedWindow): OpBounds {
    return {
      basisBytes: this.#header.basisBytes,
      windowBytes: window.targetBytes,
      literalBytes: window.data.length,
      residualBytes: window.residualBytes,
    };
  }

  close(): void {
    for (const decoder of this.#decoders.values()) decoder.close();
  }
}
