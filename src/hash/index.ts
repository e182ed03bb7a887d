/**
 * Hashes and byte kernels: SHA-256 names whole files, XXH64 guards blocks and windows, the rolling weak hash finds
 * blocks anywhere. The hot loops are a WASM core that loads without set-up.
 *
 * @module
 */
export { checkBlockBytes, MAX_BLOCK_BYTES, MIN_BLOCK_BYTES } from "./block-size.ts";
export { checkLittleEndian, isLittleEndian } from "./endian.ts";
export { createHashCore, HashCore } from "./hash-core.ts";
export { type HashSource64Options, hashSource64, PieceHash } from "./piece-hash.ts";
export { findRun, type Run } from "./run.ts";
export { createScanner, Scanner } from "./scanner.ts";
export { createSha256, SHA256_BYTES, type Sha256, sha256 } from "./sha256.ts";
export { type HashSourceOptions, hashSource } from "./source.ts";
export { createWholeHash, type WholeHash, type WholeHashes } from "./whole-hash.ts";
export { type Hash64, type Hash64Api, loadHash64 } from "./xxhash.ts";
