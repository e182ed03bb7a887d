import { equalBytes } from "../../bytes/index.ts";
import { ErrorCode, FormatError, LimitError, UnsupportedError } from "../../errors.ts";
import { type ByteInput, StreamReader, toByteStream } from "../../io/index.ts";
import {
  DEFAULT_VCDIFF_LIMITS,
  HeaderFlag,
  nameSecondaryCompressor,
  OPEN_VCDIFF_VERSION,
  VCDIFF_MAGIC,
  VCDIFF_VERSION,
  type VcdiffLimits,
  WindowFlag,
} from "./format.ts";
import { IntegerParser } from "./integer.ts";

/** How a VCDIFF file is read. */
export interface VcdiffReaderOptions {
  /** What the file may ask for; the rest as in {@link DEFAULT_VCDIFF_LIMITS}. */
  limits?: Partial<VcdiffLimits> | undefined;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What a VCDIFF file begins with (RFC 3284, section 4.1). */
export interface VcdiffHeader {
  /** What may have compressed sections once more: `LZMA`, `DJW`, `FGK`. */
  secondaryCompressor: string | undefined;
  /** xdelta3 keeps file names in it; its own decoder takes them for the names to open. */
  applicationHeader: Uint8Array | undefined;
}

/** A target window as it stands in the file (RFC 3284, section 4.2). */
export interface CodedVcdiffWindow {
  /** Where in the file it begins. */
  readonly offset: number;
  /** What COPY addresses begin with: a part of the basis, or of the target made so far. */
  readonly source:
    | { readonly of: "basis" | "target"; readonly offset: number; readonly length: number }
    | undefined;
  readonly targetBytes: number;
  readonly adler32: number | undefined;
  /** Whether a secondary compressor has been at one of the sections. */
  readonly isCompressed: boolean;
  readonly data: Uint8Array;
  readonly instructions: Uint8Array;
  readonly addresses: Uint8Array;
}

const COMPRESSED_SECTIONS = 0b111;

/** Reads the windows of a VCDIFF file in order; memory holds one of them. */
export class VcdiffReader {
  readonly header: VcdiffHeader;
  readonly #reader: StreamReader;
  readonly #limits: VcdiffLimits;
  readonly #integer = new IntegerParser();
  #windowCount = 0;

  private constructor(reader: StreamReader, header: VcdiffHeader, limits: VcdiffLimits) {
    this.#reader = reader;
    this.header = header;
    this.#limits = limits;
  }

  /**
   * Read the header.
   *
   * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`; {@link UnsupportedError} `UNSUPPORTED_VERSION` for
   * another version, `UNSUPPORTED_FEATURE` for open-vcdiff's and for a code table of its own; {@link LimitError} `SIZE_LIMIT`.
   */
  static async open(delta: ByteInput, options: VcdiffReaderOptions = {}): Promise<VcdiffReader> {
    const limits = { ...DEFAULT_VCDIFF_LIMITS, ...options.limits };
    const reader = new StreamReader(toByteStream(delta, options.signal), "VCDIFF file");
    try {
      return new VcdiffReader(reader, await readHeader(reader, limits), limits);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#reader.position;
  }

  /** Windows read so far. */
  get windowCount(): number {
    return this.#windowCount;
  }

  /** The windows, in order. */
  async *windows(): AsyncGenerator<CodedVcdiffWindow, void, undefined> {
    while (!(await this.#reader.ended())) {
      yield await this.#readWindow();
      this.#windowCount++;
    }
  }

  #integerNext(): Promise<number> {
    return readInteger(this.#reader, this.#integer);
  }

  async #readSource(flags: number): Promise<CodedVcdiffWindow["source"]> {
    if ((flags & (WindowFlag.SOURCE | WindowFlag.TARGET)) === 0) return undefined;
    const length = await this.#integerNext();
    const offset = await this.#integerNext();
    return { of: (flags & WindowFlag.SOURCE) !== 0 ? "basis" : "target", offset, length };
  }

  async #readWindow(): Promise<CodedVcdiffWindow> {
    const reader = this.#reader;
    const offset = reader.position;
    const corrupt = (message: string): FormatError =>
      new FormatError(ErrorCode.CORRUPT_BODY, `VCDIFF: ${message} in the window`, { offset });
    const flags = (await reader.read(1))[0]!;
    if (flags > 0b111) throw corrupt(`expected an indicator below 8, found ${flags}`);
    if ((flags & WindowFlag.SOURCE) !== 0 && (flags & WindowFlag.TARGET) !== 0)
      throw corrupt("expected a source segment of basis or target, found both");
    const source = await this.#readSource(flags);
    const deltaBytes = await this.#integerNext();
    this.#checkSize(deltaBytes, "windowDeltaBytes", offset);
    const start = reader.position;
    const targetBytes = await this.#integerNext();
    this.#checkSize(targetBytes, "windowBytes", offset);
    const compressed = (await reader.read(1))[0]!;
    if ((compressed & ~COMPRESSED_SECTIONS) !== 0)
      throw corrupt(`expected a delta indicator below 8, found ${compressed}`);
    const lengths = [
      await this.#integerNext(),
      await this.#integerNext(),
      await this.#integerNext(),
    ] as const;
    const adler32 = (flags & WindowFlag.ADLER32) === 0 ? undefined : toUint32(await reader.read(4));
    const found = reader.position - start + lengths[0] + lengths[1] + lengths[2];
    if (found !== deltaBytes)
      throw corrupt(`expected ${deltaBytes} bytes, found sections that make ${found}`);
    return {
      offset,
      source,
      targetBytes,
      adler32,
      isCompressed: compressed !== 0,
      data: await reader.read(lengths[0]),
      instructions: await reader.read(lengths[1]),
      addresses: await reader.read(lengths[2]),
    };
  }

  #checkSize(bytes: number, name: "windowBytes" | "windowDeltaBytes", offset: number): void {
    const limit = this.#limits[name];
    if (bytes <= limit) return;
    throw new LimitError(
      ErrorCode.MEMORY_LIMIT,
      `VCDIFF: a window has ${bytes} bytes, over the limit of ${limit}; raise limits.${name} if you trust the file`,
      { offset },
    );
  }

  /** Tell the producer of the file that no more is wanted. */
  async close(): Promise<void> {
    await this.#reader.close();
  }
}

async function readHeader(reader: StreamReader, limits: VcdiffLimits): Promise<VcdiffHeader> {
  const magic = await reader.read(VCDIFF_MAGIC.length);
  if (!equalBytes(magic, VCDIFF_MAGIC))
    throw new FormatError(ErrorCode.BAD_MAGIC, "expected a VCDIFF file, found another kind of file");
  const version = (await reader.read(1))[0]!;
  if (version === OPEN_VCDIFF_VERSION) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "expected the format of RFC 3284, found open-vcdiff's extensions of it; make the file without -interleaved and -checksum",
    );
  }
  if (version !== VCDIFF_VERSION)
    throw new UnsupportedError(ErrorCode.UNSUPPORTED_VERSION, `expected VCDIFF version 0, found ${version}`);
  const flags = (await reader.read(1))[0]!;
  if (flags > 0b111)
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      `VCDIFF: expected a header indicator below 8, found ${flags}`,
    );
  let secondaryCompressor: string | undefined;
  if ((flags & HeaderFlag.SECONDARY_COMPRESSOR) !== 0)
    secondaryCompressor = nameSecondaryCompressor((await reader.read(1))[0]!);
  if ((flags & HeaderFlag.CODE_TABLE) !== 0) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "expected VCDIFF with the default code table, found one with a code table of its own",
    );
  }
  let applicationHeader: Uint8Array | undefined;
  if ((flags & HeaderFlag.APPLICATION_HEADER) !== 0) {
    const length = await readInteger(reader, new IntegerParser());
    if (length > limits.applicationHeaderBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `VCDIFF: the application header has ${length} bytes, over the limit of ${limits.applicationHeaderBytes}; raise limits.applicationHeaderBytes if you trust the file`,
      );
    }
    applicationHeader = await reader.read(length);
  }
  return { secondaryCompressor, applicationHeader };
}

async function readInteger(reader: StreamReader, integer: IntegerParser): Promise<number> {
  for (;;) {
    const value = integer.take((await reader.read(1))[0]!);
    if (value !== undefined) return value;
  }
}

function toUint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
