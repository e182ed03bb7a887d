import { toHex } from "../bytes/index.ts";
import { ErrorCode, ImageError } from "../errors.ts";
import { createSha256 } from "../hash/index.ts";
import { checkDigest } from "../image/digest.ts";
import type { ContentDescriptor } from "../image/index.ts";
import { type ByteStream, CHUNK_BYTES, type Source, scanSource } from "../io/index.ts";
import type { RegistryClient } from "./client.ts";
import type { CallOptions } from "./manifest.ts";
import type { Repository } from "./reference.ts";

/** Options of {@link openBlob}. */
export interface OpenBlobOptions extends CallOptions {
  /** The beginning of the blob, if the caller has it from an earlier download: it is not sent again. */
  existing?: Source | undefined;
  /** How much of it the caller has, instead: then the digest is the caller's to prove. */
  offset?: number | undefined;
}

/** A blob that is on its way. */
export interface BlobDownload extends ByteStream {
  /** Size of the whole. */
  readonly totalBytes: number;
  /** Bytes that the caller had already: the stream begins behind them. */
  readonly offset: number;
  /** Requests that were sent to go on where a connection broke. */
  readonly resumeCount: number;
  /** Let go of the connection, if the stream is not read to its end. */
  close(): Promise<void>;
}

/**
 * Begin to download a blob. The stream goes on by itself where a connection breaks, and instead of ending rejects with
 * `DIGEST_MISMATCH` when the blob, together with what the caller had of it, is not the one that was named.
 *
 * @throws {@link NetworkError} as `openDownload`; {@link ImageError} `DIGEST_MISMATCH` for another size.
 */
export async function openBlob(
  client: RegistryClient,
  repository: Repository,
  descriptor: ContentDescriptor,
  { existing, offset = existing?.size ?? 0, signal }: OpenBlobOptions = {},
): Promise<BlobDownload> {
  const { digest, size } = descriptor;
  const path = `${repository.host}/${repository.repository}@${digest}`;
  if (offset > size) {
    throw new ImageError(
      ErrorCode.DIGEST_MISMATCH,
      `expected a beginning of at most ${size} bytes, found ${offset}; begin anew`,
      { path, expected: String(size), actual: String(offset) },
    );
  }
  const hash = createSha256();
  if (existing !== undefined) {
    for await (const piece of scanSource(existing, { chunkBytes: CHUNK_BYTES, signal })) hash.update(piece);
  }
  // Nothing is missing: there is nothing to ask for, and a server would have to refuse.
  const download =
    offset === size
      ? undefined
      : await client.download(
          { repository, path: `blobs/${digest}` },
          { offset, expectedBytes: size, signal },
        );
  async function* pieces() {
    if (download !== undefined) {
      for await (const piece of download) {
        hash.update(piece);
        yield piece;
      }
    }
    if (offset === 0 || existing !== undefined) checkDigest(`sha256:${toHex(hash.digest())}`, digest, path);
  }
  const stream = pieces();
  return {
    totalBytes: size,
    offset,
    get resumeCount() {
      return download?.resumeCount ?? 0;
    },
    [Symbol.asyncIterator]: () => stream,
    close: async () => download?.close(),
  };
}
