/**
 * What a thread of `createBasisHasher` runs: it hashes one basis.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { createSha256 } from "../hash/index.ts";
import { descriptorSource } from "../io/descriptor.ts";

/** What the thread is started with. */
export interface BasisTask {
  descriptor: number;
  sizeBytes: number;
}

// Small, since the device's memory counts: the reads are cheap beside the hashing.
const CHUNK_BYTES = 1 << 17;

// A plain loop: what reads a piece ahead gains nothing where reads are done at once, and takes V8's compiler 50 ms.
if (parentPort !== null) {
  const { descriptor, sizeBytes } = workerData as BasisTask;
  const source = descriptorSource(descriptor, sizeBytes);
  const sha256 = createSha256();
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
    const piece = chunk.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - at));
    await source.read(at, piece);
    sha256.update(piece);
  }
  parentPort.postMessage(sha256.digest());
}
