import { ByteReader, MAX_VARINT_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError, LimitError, UnsupportedError } from "../errors.ts";
import { type Hash64, loadHash64 } from "../hash/index.ts";
import { type ByteInput, StreamReader, toByteStream } from "../io/index.ts";
import { shortenChecksum } from "./checksum.ts";
import { CHECKSUM_BYTES, RecordKind, STREAM_COUNT, StreamId } from "./format.ts";
import { type DeltaHeader, readDeltaHeader, readVarint } from "./header.ts";
import { checkDeltaLimit, DEFAULT_DELTA_LIMITS, type DeltaLimits, FREE_EXPANSION_BYTES } from "./limits.ts";
import type { CodedSegment, CodedWindow } from "./writer.ts";

// A coded segment may be larger than what it decodes to, but not by much: brotli, zstd and deflate add some bytes a block.
const MAX_EXPANSION_BYTES = 1 << 12;

// What a window says of itself: what it makes, and of each stream's segment how long it is and how long in coded form.
const MAX_WINDOW_HEAD_BYTES = MAX_VARINT_BYTES * (1 + 2 * STREAM_COUNT);

/** What a window says of itself before its checksum. */
interface WindowHead {
  readonly targetBytes: number;
  readonly segments: readonly { stream: StreamId; rawBytes: number; codedBytes: number }[];
}

/** Options of {@link DeltaReader.open}. */
export interface DeltaReaderOptions {
  /** Override some of {@link DEFAULT_DELTA_LIMITS}. */
  limits?: Partial<DeltaLimits> | undefined;
  signal?: AbortSignal | undefined;
}

/** Gives memory for a coded segment of so many bytes. */
export type SegmentMemory = (stream: StreamId, codedBytes: number) => Uint8Array;

/**
 * Takes a delta apart into its records, without decoding them. It holds one window at a time and checks lengths, counts,
 * the sums of what windows make, and at the end the checksum of the whole file.
 */
export class DeltaReader {
  readonly header: DeltaHeader;
  readonly #reader: StreamReader;
  readonly #checksum: Hash64;
  readonly #limits: DeltaLimits;
  #windowCount = 0;
  #opBytes = 0;

  private constructor(header: DeltaHeader, reader: StreamReader, checksum: Hash64, limits: DeltaLimits) {
    this.header = header;
    this.#limits = limits;
    this.#reader = reader;
    this.#checksum = checksum;
  }

  /**
   * Read the header.
   *
   * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`; {@link UnsupportedError}
   * `UNSUPPORTED_VERSION`, `UNSUPPORTED_FEATURE`; {@link LimitError} `SIZE_LIMIT`, `MEMORY_LIMIT`.
   */
  static async open(delta: ByteInput, options: DeltaReaderOptions = {}): Promise<DeltaReader> {
    const reader = new StreamReader(toByteStream(delta, options.signal), "the delta");
    const limits = { ...DEFAULT_DELTA_LIMITS, ...options.limits };
    const { header, headerFile } = await readDeltaHeader(reader, limits);
    const checksum = (await loadHash64()).create();
    checksum.update(headerFile);
    return new DeltaReader(header, reader, checksum, limits);
  }

  /** The limits that hold for this delta. */
  get limits(): Readonly<DeltaLimits> {
    return this.#limits;
  }

  /** Bytes of delta read so far. */
  get position(): number {
    return this.#reader.position;
  }

  /** Windows read so far. */
  get windowCount(): number {
    return this.#windowCount;
  }

  /** Tell the input that no more is wanted. */
  close(): Promise<void> {
    return this.#reader.close();
  }

  readonly #take = async (bytes: number): Promise<Uint8Array> => {
    const piece = await this.#reader.read(bytes);
    this.#checksum.update(piece);
    return piece;
  };

  /** @param ahead - how many bytes behind what was read it is. */
  #corrupt(message: string, ahead = 0): FormatError {
    const offset = this.#reader.position + ahead;
    return new FormatError(ErrorCode.CORRUPT_BODY, `delta: ${message}`, { offset });
  }

  /** Hold what comes out so far against what went in. */
  #checkExpansion(madeBytes: number, codedBytes: number): void {
    const { expansion } = this.#limits;
    const givenBytes = this.header.basisBytes + this.#reader.position + codedBytes;
    if (madeBytes <= FREE_EXPANSION_BYTES + expansion * givenBytes) return;
    throw new LimitError(
      ErrorCode.SIZE_LIMIT,
      `the delta makes ${madeBytes} bytes of ${givenBytes}, over ${expansion} times as many; raise limits.expansion to allow it`,
      { offset: this.#reader.position },
    );
  }

  #parseHead(head: ByteReader, missingBytes: number): WindowHead {
    const { windowBytes, segmentBytes, streams } = this.header;
    const stated = head.varint();
    const targetBytes = stated === 0 ? missingBytes : stated;
    if (targetBytes === 0 || targetBytes > windowBytes || targetBytes > missingBytes) {
      throw this.#corrupt(
        `a window makes ${targetBytes} bytes; at most ${Math.min(windowBytes, missingBytes)} are possible`,
        head.position,
      );
    }
    const segments: { stream: StreamId; rawBytes: number; codedBytes: number }[] = [];
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      const rawBytes = head.varint();
      if (rawBytes === 0) continue;
      if (rawBytes > segmentBytes) {
        const message = `a segment of ${rawBytes} bytes; at most ${segmentBytes} are declared`;
        throw this.#corrupt(message, head.position);
      }
      if (!streams.some((declared) => declared.stream === stream)) {
        const message = `a segment of stream ${stream}, which the header does not declare`;
        throw this.#corrupt(message, head.position);
      }
      const codedBytes = head.varint();
      if (codedBytes > rawBytes + (rawBytes >> 3) + MAX_EXPANSION_BYTES) {
        throw this.#corrupt(`a segment of ${rawBytes} bytes is coded in ${codedBytes}`, head.position);
      }
      segments.push({ stream: stream as StreamId, rawBytes, codedBytes });
    }
    return { targetBytes, segments };
  }

  /** Read what a window says of itself at once: waiting for each byte took V8's compiler 75 ms where there are 142 windows. */
  async #readHead(missingBytes: number): Promise<WindowHead> {
    const bytes = await this.#reader.peek(MAX_WINDOW_HEAD_BYTES);
    const head = new ByteReader(bytes, { what: "delta window", code: ErrorCode.CORRUPT_HEADER });
    let found: WindowHead;
    try {
      found = this.#parseHead(head, missingBytes);
    } catch (error) {
      // Where the stream ends within it, that is what is wrong.
      if (head.remaining === 0) await this.#take(bytes.length + 1);
      throw error;
    }
    await this.#take(head.position);
    return found;
  }

  async #readWindow(missingBytes: number, memoryFor: SegmentMemory): Promise<CodedWindow> {
    const { targetBytes, segments: plan } = await this.#readHead(missingBytes);
    const control = plan.find(({ stream }) => stream === StreamId.CONTROL);
    this.#opBytes += control?.rawBytes ?? 0;
    checkDeltaLimit("opBytes", this.#opBytes, this.#limits.opBytes, ErrorCode.COUNT_LIMIT);
    const madeBytes = this.header.targetBytes - missingBytes + targetBytes;
    this.#checkExpansion(
      madeBytes,
      plan.reduce((sum, { codedBytes }) => sum + codedBytes, 0),
    );
    const checksum = new ByteReader(await this.#take(CHECKSUM_BYTES), { what: "delta window" }).u32();
    const segments: CodedSegment[] = [];
    for (const { stream, rawBytes, codedBytes } of plan) {
      const coded = memoryFor(stream, codedBytes);
      await this.#reader.readInto(coded);
      this.#checksum.update(coded);
      segments.push({ stream, rawBytes, coded });
    }
    return { targetBytes, checksum, segments };
  }

  async #readEnd(): Promise<void> {
    const count = await readVarint(this.#take, "delta end");
    if (count !== this.#windowCount)
      throw this.#corrupt(`expected ${count} windows, found ${this.#windowCount}`);
    const actual = shortenChecksum(this.#checksum.digest());
    const expected = new ByteReader(await this.#reader.read(CHECKSUM_BYTES), { what: "delta end" }).u32();
    if (actual !== expected) throw this.#corrupt("the file is damaged: its checksum does not fit");
    if (!(await this.#reader.ended())) {
      throw new FormatError(ErrorCode.TRAILING_DATA, "expected the end of the delta, found more bytes", {
        offset: this.#reader.position,
      });
    }
  }

  /**
   * The windows in order. Ending without an error means that the file is whole and undamaged.
   *
   * @param memoryFor - where coded segments go: memory of their own unless it is given. What it is asked for is bounded by the
   * header's segment bytes, and by an eighth and 4 KiB more.
   * @throws {@link FormatError} `CORRUPT_BODY`, `TRUNCATED`, `TRAILING_DATA`; {@link UnsupportedError}
   * `UNSUPPORTED_FEATURE` for an unknown kind of record; {@link LimitError} `SIZE_LIMIT`, `COUNT_LIMIT`.
   */
  async *windows(
    memoryFor: SegmentMemory = (_, codedBytes) => new Uint8Array(codedBytes),
  ): AsyncGenerator<CodedWindow, void, undefined> {
    let missingBytes = this.header.targetBytes;
    for (;;) {
      const kind = (await this.#take(1))[0]!;
      if (kind === RecordKind.END) break;
      if (kind !== RecordKind.TARGET_WINDOW) {
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          `the delta has a record of kind ${kind}, which this version does not know; update flatdelta, or fetch the delta again if it is damaged`,
          { offset: this.#reader.position - 1 },
        );
      }
      const window = await this.#readWindow(missingBytes, memoryFor);
      missingBytes -= window.targetBytes;
      this.#windowCount++;
      yield window;
    }
    if (missingBytes > 0) throw this.#corrupt(`the windows end ${missingBytes} bytes before the target does`);
    await this.#readEnd();
  }
}
