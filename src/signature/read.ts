import { ByteReader, equalBytes } from "../bytes/index.ts";
import { ErrorCode, FormatError, UnsupportedError } from "../errors.ts";
import {
  checkLittleEndian,
  type Hash64,
  loadHash64,
  MAX_BLOCK_BYTES,
  MIN_BLOCK_BYTES,
  SHA256_BYTES,
} from "../hash/index.ts";
import { type ByteInput, StreamReader, toByteStream } from "../io/index.ts";
import {
  CHECKSUM_BYTES,
  HEADER_FILE_BYTES,
  SIGNATURE_MAGIC,
  SIGNATURE_VERSION,
  STRONG_HASH_BYTES,
  STRONG_HASH_KIND,
  WEAK_HASH_BYTES,
  WEAK_HASH_KIND,
} from "./format.ts";
import { tooManyBlocks } from "./hash-list.ts";
import { countBlocks, DEFAULT_SIGNATURE_LIMITS, type Signature, type SignatureLimits } from "./signature.ts";

/** Options of {@link readSignature}. */
export interface ReadSignatureOptions {
  /** Override some of {@link DEFAULT_SIGNATURE_LIMITS}. */
  limits?: Partial<SignatureLimits> | undefined;
  signal?: AbortSignal | undefined;
}

/** Whether the first bytes of a file are those of a signature. */
export function isSignature(head: Uint8Array): boolean {
  return equalBytes(head.subarray(0, SIGNATURE_MAGIC.length), SIGNATURE_MAGIC);
}

type SignatureHeader = Pick<Signature, "basisBytes" | "basisSha256" | "basisXxh64" | "blockBytes">;

/** Decode what follows magic and version; its checksum is proven. */
function decodeHeader(reader: ByteReader): SignatureHeader {
  const weakKind = reader.u8();
  const strongKind = reader.u8();
  const flags = reader.u8();
  if (weakKind !== WEAK_HASH_KIND || strongKind !== STRONG_HASH_KIND || flags !== 0) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `the signature has hashes of kinds ${weakKind} and ${strongKind} and flags ${flags}, which this version does not know; update flatdelta`,
    );
  }
  const blockBytes = reader.u32();
  if (blockBytes < MIN_BLOCK_BYTES || blockBytes > MAX_BLOCK_BYTES) {
    throw reader.corrupt(
      `expected blocks of ${MIN_BLOCK_BYTES} to ${MAX_BLOCK_BYTES} bytes, found ${blockBytes}`,
    );
  }
  const basisBytes = Number(reader.u64());
  if (!Number.isSafeInteger(basisBytes)) throw reader.corrupt("the size of the basis is over 2^53 − 1");
  const basisSha256 = reader.bytes(SHA256_BYTES).slice();
  return { blockBytes, basisBytes, basisSha256, basisXxh64: reader.u64() };
}

async function readHeader(input: StreamReader, checksum: Hash64): Promise<SignatureHeader> {
  const magic = await input.read(SIGNATURE_MAGIC.length);
  if (!isSignature(magic)) {
    throw new FormatError(ErrorCode.BAD_MAGIC, "expected a signature, found another kind of file", {
      offset: 0,
    });
  }
  const rest = await input.read(HEADER_FILE_BYTES - SIGNATURE_MAGIC.length);
  const reader = new ByteReader(rest, {
    what: "signature header",
    code: ErrorCode.CORRUPT_HEADER,
    baseOffset: SIGNATURE_MAGIC.length,
  });
  const version = reader.u8();
  if (version !== SIGNATURE_VERSION) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_VERSION,
      `expected a signature of version ${SIGNATURE_VERSION}, found version ${version}; update flatdelta`,
    );
  }
  checksum.update(magic);
  checksum.update(rest.subarray(0, -CHECKSUM_BYTES));
  checkChecksum(checksum, rest.subarray(-CHECKSUM_BYTES), "header", ErrorCode.CORRUPT_HEADER);
  checksum.update(rest.subarray(-CHECKSUM_BYTES));
  return decodeHeader(reader);
}

function checkChecksum(checksum: Hash64, bytes: Uint8Array, part: string, code: ErrorCode): void {
  const expected = new ByteReader(bytes, { what: "signature" }).u64();
  const actual = checksum.digest();
  if (actual === expected) return;
  throw new FormatError(
    code,
    `the signature's ${part} is damaged: its checksum does not fit; fetch or build it again`,
    { expected: expected.toString(16), actual: actual.toString(16) },
  );
}

/** The next `length` bytes. Memory grows with what arrives, not with what the header claims. */
async function readChecked(input: StreamReader, length: number, checksum: Hash64): Promise<Uint8Array> {
  const bytes = await input.read(length);
  checksum.update(bytes);
  return bytes;
}

/** Let the elements of `hashes` be `bytes`, which may begin at an address where elements cannot. */
function fillBytes<Hashes extends Uint32Array | BigUint64Array>(hashes: Hashes, bytes: Uint8Array): Hashes {
  new Uint8Array(hashes.buffer).set(bytes);
  return hashes;
}

async function readWhole(input: StreamReader, limits: SignatureLimits): Promise<Signature> {
  checkLittleEndian();
  const checksum = (await loadHash64()).create();
  const header = await readHeader(input, checksum);
  const blocks = countBlocks(header.basisBytes, header.blockBytes);
  if (blocks > limits.blockCount) throw tooManyBlocks(blocks, limits.blockCount);
  const weak = await readChecked(input, blocks * WEAK_HASH_BYTES, checksum);
  const weakHashes = fillBytes(new Uint32Array(blocks), weak);
  const strong = await readChecked(input, blocks * STRONG_HASH_BYTES, checksum);
  const strongHashes = fillBytes(new BigUint64Array(blocks), strong);
  checkChecksum(checksum, await input.read(CHECKSUM_BYTES), "list of blocks", ErrorCode.CORRUPT_BODY);
  if (!(await input.ended())) {
    throw new FormatError(ErrorCode.TRAILING_DATA, "expected the end of the signature, found more bytes", {
      offset: input.position,
    });
  }
  return { ...header, weakHashes, strongHashes };
}

/**
 * Read a signature from its file form (`FORMAT.md`), and prove it whole and undamaged.
 *
 * Memory grows with what arrives, to twice the size of the file.
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`, `CORRUPT_BODY`, `TRAILING_DATA`;
 * {@link UnsupportedError} `UNSUPPORTED_VERSION`, `UNSUPPORTED_FEATURE` (also on a big-endian machine); {@link LimitError} `COUNT_LIMIT` when it has
 * more blocks than `limits.blockCount`.
 */
export async function readSignature(
  input: ByteInput,
  options: ReadSignatureOptions = {},
): Promise<Signature> {
  const reader = new StreamReader(toByteStream(input, options.signal), "the signature");
  try {
    return await readWhole(reader, { ...DEFAULT_SIGNATURE_LIMITS, ...options.limits });
  } finally {
    await reader.close();
  }
}
