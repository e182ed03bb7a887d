import { ByteWriter } from "../bytes/index.ts";
import { checkLittleEndian, loadHash64 } from "../hash/index.ts";
import { memorySink, type Sink } from "../io/index.ts";
import {
  CHECKSUM_BYTES,
  SIGNATURE_MAGIC,
  SIGNATURE_VERSION,
  STRONG_HASH_KIND,
  WEAK_HASH_KIND,
} from "./format.ts";
import { checkSignature, type Signature } from "./signature.ts";

/** Bytes that are handed to the sink at once. */
const PIECE_BYTES = 1 << 20;

function* bodyPieces({ weakHashes, strongHashes }: Signature): Generator<Uint8Array> {
  for (const { buffer, byteOffset, byteLength } of [weakHashes, strongHashes]) {
    for (let at = 0; at < byteLength; at += PIECE_BYTES) {
      yield new Uint8Array(buffer, byteOffset + at, Math.min(PIECE_BYTES, byteLength - at));
    }
  }
}

/**
 * Write a signature in its file form, version 1 (`FORMAT.md`): 80 bytes and 12 for each block.
 *
 * @throws RangeError when the parts of the signature do not fit each other.
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export async function writeSignature(signature: Signature, sink: Sink): Promise<void> {
  checkSignature(signature);
  checkLittleEndian();
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
  header.u64(signature.basisXxh64);
  header.u64(hash64.hash(header.view()));
  const checksum = hash64.create();
  checksum.update(header.view());
  await sink.write(header.view());
  for (const piece of bodyPieces(signature)) {
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
