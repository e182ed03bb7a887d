/**
 * What a thread of `createBasisHasher` runs: it hashes one basis.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { hashSource } from "../hash/index.ts";
import { descriptorSource } from "../io/descriptor.ts";

/** What the thread is started with. */
export interface BasisTask {
  descriptor: number;
  sizeBytes: number;
}

// Small, since the device's memory counts: the reads are cheap beside the hashing.
const CHUNK_BYTES = 1 << 17;

if (parentPort !== null) {
  const { descriptor, sizeBytes } = workerData as BasisTask;
  parentPort.postMessage(
    await hashSource(descriptorSource(descriptor, sizeBytes), { chunkBytes: CHUNK_BYTES }),
  );
}
