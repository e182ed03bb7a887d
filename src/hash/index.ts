/**
 * Hashes: SHA-256 names whole files, XXH64 guards blocks and windows.
 *
 * @module
 */
export { createSha256, SHA256_BYTES, type Sha256, sha256 } from "./sha256.ts";
export { type Hash64, type Hash64Api, loadHash64 } from "./xxhash.ts";
