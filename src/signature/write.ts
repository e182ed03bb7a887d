import { ByteWriter } from "../bytes/index.ts";
import { loadHash64 } from "../hash/index.ts";
import { memorySink, type Sink } from "../io/index.ts";
import {
  CHECKSUM_BYTES,
  SIGNATURE_MAGIC,
  SIGNATURE_VERSION,
  STRONG_HASH_BYTES,
  STRONG_HASH_KIND,
  WEAK_HASH_BYTES,
  WEAK_HASH_KIND,
} from "./format.ts";
import { checkSignature, type Signature } from "./signature.ts";

/** Hashes that are brought into file order and written at once. */
const PIECE_HASHES = 1 << 13;

function* encodeHashes({ weakHashes, strongHashes }: Signature): Generator<Uint8Array> {
  const piece = new DataView(new ArrayBuffer(PIECE_HASHES * STRONG_HASH_BYTES));
  const encode = function* (count: number, bytes: number, put: (at: number, index: number) => void) {
    for (let from = 0; from < count; from += PIECE_HASHES) {
      const length = Math.min(PIECE_HASHES, count - from);
      for (let i = 0; i < length; i++) put(i * bytes, from + i);
      yield new Uint8Array(piece.buffer, 0, length * bytes);
    }
  };
  yield* encode(weakHashes.length, WEAK_HASH_BYTES, (at, i) => piece.setUint32(at, weakHashes[i]!, true));
  yield* encode(strongHashes.length, STRONG_HASH_BYTES, (at, i) =>
    piece.setBigUint64(at, strongHashes[i]!, true),
  );
}

/**
 * Write a signature in its file form, version 1 (`FORMAT.md`): 72 bytes and 12 for each block.
 *
 * @throws RangeError when the parts of the signature do not fit each other.
 */
export async function writeSignature(signature: Signature, sink: Sink): Promise<void> {
  checkSignature(signature);
  const hash64 = await loadHash64();
  const header = new ByteWriter();
  header.bytes(SIGNATURE_MAGIC);
  header.u8(SIGNATURE_VERSION);
  header.u8(WEAK_HASH_KIND);
  header.u8(STRONG_HASH_KIND);
  header.u8(0);
  header.u32(signature.blockBytes);
  header.u64(BigInt(signature.basisBytes));
  header.bytes(signature.basisSha256);
  header.u64(hash64.hash(header.view()));
  const checksum = hash64.create();
  checksum.update(header.view());
  await sink.write(header.view());
  for (const piece of encodeHashes(signature)) {
    checksum.update(piece);
    await sink.write(piece);
  }
  const trailer = new ByteWriter(CHECKSUM_BYTES);
  trailer.u64(checksum.digest());
  await sink.write(trailer.view());
}

/**
 * The file form of a signature, in memory.
 *
 * @throws as {@link writeSignature}.
 */
export async function encodeSignature(signature: Signature): Promise<Uint8Array> {
  const sink = memorySink();
  await writeSignature(signature, sink);
  return sink.bytes();
}
