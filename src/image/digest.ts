import { toHex } from "../bytes/index.ts";
import { ErrorCode, ImageError, UnsupportedError } from "../errors.ts";
import { type HashSourceOptions, hashSource, sha256 } from "../hash/index.ts";
import type { Source } from "../io/index.ts";

/** Hexadecimal digits of a SHA-256. */
export const SHA256_HEX = /^[0-9a-f]{64}$/;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether a value is what {@link formatDigest} gives. */
export function isDigest(value: unknown): value is `sha256:${string}` {
  return typeof value === "string" && DIGEST.test(value);
}

/** The OCI form of a SHA-256: "sha256:" and 64 hexadecimal digits. */
export function formatDigest(hash: Uint8Array): `sha256:${string}` {
  return `sha256:${toHex(hash)}`;
}

/** The digest of all bytes of a source. */
export async function digestSource(source: Source, options?: HashSourceOptions): Promise<`sha256:${string}`> {
  return formatDigest(await hashSource(source, options));
}

/**
 * Check that a text is a digest of the kind that is supported, and return its hexadecimal digits.
 *
 * They are safe to build a path from.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it is no digest.
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` for other algorithms than SHA-256.
 */
export function parseDigest(digest: string, path: string): string {
  const match = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(digest);
  if (match?.[1] === "sha256" && SHA256_HEX.test(match[2]!)) return match[2]!;
  if (match !== null && match[1] !== "sha256") {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `digests by ${match[1]} are not supported, only sha256; copy the image with skopeo to renew them`,
      { path },
    );
  }
  throw new ImageError(
    ErrorCode.BAD_MANIFEST,
    `expected a digest such as sha256:<64 hex digits>, found ${JSON.stringify(digest.slice(0, 100))}`,
    { path },
  );
}

/**
 * Check that two digests of one blob are the same.
 *
 * @throws {@link ImageError} `DIGEST_MISMATCH`.
 */
export function checkDigest(actual: string, expected: string, path: string): void {
  if (actual === expected) return;
  throw new ImageError(
    ErrorCode.DIGEST_MISMATCH,
    `expected digest ${expected}, found ${actual}; the image is damaged, get it again`,
    { path, expected, actual },
  );
}

/**
 * Prove the digest of bytes in memory.
 *
 * @throws {@link ImageError} `DIGEST_MISMATCH`.
 */
export function proveDigest(bytes: Uint8Array, expected: string, path: string): void {
  checkDigest(formatDigest(sha256(bytes)), expected, path);
}
