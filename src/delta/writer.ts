import { ByteWriter, EMPTY_BYTES } from "../bytes/index.ts";
import { type Hash64, loadHash64 } from "../hash/index.ts";
import type { Sink } from "../io/index.ts";
import { shortenChecksum } from "./checksum.ts";
import { RecordKind, STREAM_COUNT, type StreamId } from "./format.ts";
import { type DeltaHeader, encodeDeltaHeader } from "./header.ts";

/** One segment as it stands in the file. */
export interface CodedSegment {
  stream: StreamId;
  coded: Uint8Array;
  /** What it decodes to. */
  rawBytes: number;
}

/** One target window as it stands in the file. */
export interface CodedWindow {
  /** Target bytes that the window makes. */
  targetBytes: number;
  /** Of those bytes: see `shortenChecksum`. */
  checksum: number;
  /** The segments that are not empty, in the order of their streams. */
  segments: readonly CodedSegment[];
}

/** Puts the records of a delta into a sink, in order. */
export class DeltaWriter {
  readonly #sink: Sink;
  readonly #checksum: Hash64;
  #bytesWritten = 0;
  #missingBytes: number;

  private constructor(sink: Sink, checksum: Hash64, targetBytes: number) {
    this.#sink = sink;
    this.#checksum = checksum;
    this.#missingBytes = targetBytes;
  }

  /** Write the header and return the writer of what follows. */
  static async begin(sink: Sink, header: DeltaHeader): Promise<DeltaWriter> {
    const writer = new DeltaWriter(sink, (await loadHash64()).create(), header.targetBytes);
    await writer.#write(await encodeDeltaHeader(header));
    return writer;
  }

  /** Bytes of delta so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#checksum.update(bytes);
    this.#bytesWritten += bytes.length;
    await this.#sink.write(bytes);
  }

  async writeWindow(window: CodedWindow): Promise<void> {
    const head = new ByteWriter();
    head.u8(RecordKind.TARGET_WINDOW);
    head.varint(window.targetBytes === this.#missingBytes ? 0 : window.targetBytes);
    this.#missingBytes -= window.targetBytes;
    const byStream = new Map(window.segments.map((segment) => [segment.stream as number, segment]));
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      const { rawBytes, coded } = byStream.get(stream) ?? { rawBytes: 0, coded: EMPTY_BYTES };
      head.varint(rawBytes);
      if (rawBytes > 0) head.varint(coded.length);
    }
    head.u32(window.checksum);
    await this.#write(head.view());
    for (const { coded } of window.segments) await this.#write(coded);
  }

  /** Write the end record. */
  async end(windowCount: number): Promise<void> {
    const tail = new ByteWriter();
    tail.u8(RecordKind.END);
    tail.varint(windowCount);
    await this.#write(tail.view());
    const checksum = new ByteWriter();
    checksum.u32(shortenChecksum(this.#checksum.digest()));
    await this.#write(checksum.view());
  }
}
