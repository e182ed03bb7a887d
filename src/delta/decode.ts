import { EMPTY_BYTES } from "../bytes/index.ts";
import { getCodecById, type SegmentDecoder } from "../codec/index.ts";
import { StreamId } from "./format.ts";
import type { DeltaHeader } from "./header.ts";
import { BasisCursor, OpReader } from "./ops.ts";
import type { CodedWindow } from "./writer.ts";

/** A target window, decoded: what {@link OpReader} and an applier need. */
export interface DecodedWindow {
  targetBytes: number;
  checksum: bigint;
  control: Uint8Array;
  data: Uint8Array;
  residual: Uint8Array;
}

/** Decodes the windows of a delta, in order: the codecs keep their state from window to window. */
export class WindowDecoder {
  readonly #header: DeltaHeader;
  readonly #decoders = new Map<StreamId, SegmentDecoder>();
  readonly #cursor = new BasisCursor();

  /** @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when a codec is unknown or missing in this runtime. */
  constructor(header: DeltaHeader) {
    this.#header = header;
    const codecs = header.streams.map(({ stream, codecId }) => ({ stream, codec: getCodecById(codecId) }));
    for (const { stream, codec } of codecs) this.#decoders.set(stream, codec.createDecoder());
  }

  /**
   * Decode the segments of the next window; they are decoded side by side.
   *
   * @throws {@link FormatError} `CORRUPT_BODY`.
   */
  async decode(window: CodedWindow): Promise<DecodedWindow> {
    const raw = new Map(
      await Promise.all(
        window.segments.map(
          async ({ stream, coded, rawBytes }) =>
            [stream, await this.#decoders.get(stream)!.decode(coded, rawBytes)] as const,
        ),
      ),
    );
    return {
      targetBytes: window.targetBytes,
      checksum: window.checksum,
      control: raw.get(StreamId.CONTROL) ?? EMPTY_BYTES,
      data: raw.get(StreamId.DATA) ?? EMPTY_BYTES,
      residual: raw.get(StreamId.RESIDUAL) ?? EMPTY_BYTES,
    };
  }

  /** The checked ops of a decoded window. Each window's ops must be taken to their end, in the windows' order. */
  ops(window: DecodedWindow): OpReader {
    return new OpReader(
      window.control,
      {
        basisBytes: this.#header.basisBytes,
        windowBytes: window.targetBytes,
        literalBytes: window.data.length,
        residualBytes: window.residual.length,
      },
      this.#cursor,
    );
  }

  close(): void {
    for (const decoder of this.#decoders.values()) decoder.close();
  }
}
