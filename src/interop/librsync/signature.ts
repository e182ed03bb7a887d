import { ErrorCode, FormatError, LimitError } from "../../errors.ts";
import { type ByteInput, StreamReader, toByteStream } from "../../io/index.ts";
import {
  hashesOfMagic,
  type RdiffHashes,
  SIGNATURE_HEADER_BYTES,
  STRONG_HASH_BYTES,
  WEAK_HASH_BYTES,
} from "./format.ts";

/** What a reader of rdiff signatures allows. */
export interface RdiffSignatureLimits {
  /** Bytes in a block: making a delta takes four times as much memory. */
  blockBytes: number;
  /** Bytes that the hashes of all blocks take: making a delta takes about as much memory again. */
  hashBytes: number;
}

/** The limits that hold unless the caller sets others: blocks of 16 MiB, 512 MiB of hashes. */
export const DEFAULT_RDIFF_SIGNATURE_LIMITS: RdiffSignatureLimits = {
  blockBytes: 2 ** 24,
  hashBytes: 2 ** 29,
};

/**
 * A signature as rdiff has it. It names neither the size nor a digest of its basis: the last block may be short, by how much
 * nobody knows.
 */
export interface RdiffSignature extends RdiffHashes {
  readonly blockBytes: number;
  /** Bytes that are kept of each strong hash. */
  readonly strongBytes: number;
  readonly weakHashes: Uint32Array;
  /** The strong hashes one after another, `strongBytes` each. */
  readonly strongHashes: Uint8Array;
}

/** Options of {@link readRdiffSignature}. */
export interface ReadRdiffSignatureOptions {
  /** Override some of {@link DEFAULT_RDIFF_SIGNATURE_LIMITS}. */
  limits?: Partial<RdiffSignatureLimits> | undefined;
  signal?: AbortSignal | undefined;
}

// Blocks are read so many at a time: memory grows with what arrives.
const BLOCKS_AT_ONCE = 4096;

async function readHeader(input: StreamReader, limits: RdiffSignatureLimits) {
  const bytes = await input.read(SIGNATURE_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const hashes = hashesOfMagic(view.getUint32(0));
  const blockBytes = view.getUint32(4);
  const strongBytes = view.getUint32(8);
  const most = STRONG_HASH_BYTES[hashes.strongHash];
  if (blockBytes === 0 || strongBytes === 0 || strongBytes > most) {
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      `expected blocks of 1 byte or more with strong hashes of 1 to ${most} bytes, found ${blockBytes} and ${strongBytes} in the signature`,
    );
  }
  if (blockBytes > limits.blockBytes) {
    throw new LimitError(
      ErrorCode.MEMORY_LIMIT,
      `expected blocks of at most ${limits.blockBytes} bytes, found ${blockBytes}; use smaller blocks, or raise limits.blockBytes`,
    );
  }
  return { ...hashes, blockBytes, strongBytes };
}

/** All that follows the header, a whole number of blocks. */
async function readBlocks(input: StreamReader, entryBytes: number, limit: number): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for (let total = 0; !(await input.ended()); ) {
    const part = await input.readUpTo(entryBytes * BLOCKS_AT_ONCE);
    if (part.length % entryBytes !== 0) {
      throw new FormatError(
        ErrorCode.TRUNCATED,
        `expected blocks of ${entryBytes} bytes, found ${part.length % entryBytes} bytes at the end of the signature`,
        { offset: input.position },
      );
    }
    total += part.length;
    if (total > limit) {
      throw new LimitError(
        ErrorCode.MEMORY_LIMIT,
        `expected a signature of at most ${limit} bytes of hashes, found more; use larger blocks, or raise limits.hashBytes`,
      );
    }
    parts.push(part);
  }
  return parts;
}

/**
 * Read a signature that `rdiff signature` or {@link writeRdiffSignature} wrote.
 *
 * The format has no checksum and no length: what is cut off between two blocks, or damaged inside them, is not noticed. A delta
 * made from it is larger then, and still right.
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `CORRUPT_HEADER`, `TRUNCATED`; {@link LimitError} `MEMORY_LIMIT`.
 */
export async function readRdiffSignature(
  input: ByteInput,
  options: ReadRdiffSignatureOptions = {},
): Promise<RdiffSignature> {
  const limits = { ...DEFAULT_RDIFF_SIGNATURE_LIMITS, ...options.limits };
  const reader = new StreamReader(toByteStream(input, options.signal), "the signature");
  try {
    const header = await readHeader(reader, limits);
    const { strongBytes } = header;
    const entryBytes = WEAK_HASH_BYTES + strongBytes;
    const parts = await readBlocks(reader, entryBytes, limits.hashBytes);
    const blocks = parts.reduce((sum, part) => sum + part.length / entryBytes, 0);
    const weakHashes = new Uint32Array(blocks);
    const strongHashes = new Uint8Array(blocks * strongBytes);
    let block = 0;
    for (const part of parts) {
      const view = new DataView(part.buffer, part.byteOffset);
      for (let at = 0; at < part.length; at += entryBytes, block++) {
        weakHashes[block] = view.getUint32(at);
        strongHashes.set(part.subarray(at + WEAK_HASH_BYTES, at + entryBytes), block * strongBytes);
      }
    }
    return { ...header, weakHashes, strongHashes };
  } finally {
    await reader.close();
  }
}
