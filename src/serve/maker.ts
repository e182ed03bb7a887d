import { toHex } from "../bytes/index.ts";
import { type CreateDeltaOptions, createDelta } from "../encode/index.ts";
import { createSha256, sha256 } from "../hash/index.ts";
import { flattenImage, type Image, openFlatImage } from "../image/index.ts";
import { type OnProgress, type Sink, scanSource } from "../io/index.ts";
import type { OpenStoredFile, StoreDraft } from "./store.ts";

/** An image that was read for a release. */
export interface ReleaseImage {
  readonly image: Image;
  /** Bytes that a device without deltas moves to get it. */
  readonly pullBytes?: number | undefined;
  /** Digest of its manifest in the registry ("sha256:…"). */
  readonly manifestDigest?: string | undefined;
}

/** What flattening the image of a release tells of it. */
export interface FlattenedRelease {
  /** SHA-256 of the flat image ("sha256:…"). */
  readonly flatDigest: string;
  readonly flatBytes: number;
  readonly pullBytes?: number | undefined;
  readonly manifestDigest?: string | undefined;
  /** SHA-256 of the image's config JSON, which is what Docker calls the image's ID. */
  readonly imageId: string;
}

/** What making a delta gave. */
export interface MadeDelta {
  /** SHA-256 of the delta ("sha256:…"). */
  readonly digest: string;
  readonly deltaBytes: number;
}

/** How a piece of work is watched and stopped. */
export interface MakerContext {
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Who reads images and makes deltas for the service.
 *
 * The service calls it for at most as many pieces of work at a time as it may run, and commits or discards the draft.
 */
export interface Maker {
  /** Write the flat image of a release's image. */
  flatten(image: string, into: StoreDraft, context: MakerContext): Promise<FlattenedRelease>;
  /** Write the delta from one flat image to another. */
  makeDelta(
    basis: OpenStoredFile,
    target: OpenStoredFile,
    into: StoreDraft,
    context: MakerContext,
  ): Promise<MadeDelta>;
}

/** Options of {@link createInlineMaker}. */
export interface InlineMakerOptions {
  /** Read the image of a release. The name is one that the service's configuration allows. */
  readImage(name: string, signal: AbortSignal): Promise<ReleaseImage>;
  /** How deltas are made. */
  delta?: Omit<CreateDeltaOptions, "signal" | "onProgress">;
}

function hashingSink(next: Sink): Sink & { finish(): MadeDelta } {
  const hash = createSha256();
  let deltaBytes = 0;
  return {
    write: async (bytes) => {
      hash.update(bytes);
      deltaBytes += bytes.length;
      await next.write(bytes);
    },
    finish: () => ({ digest: `sha256:${toHex(hash.digest())}`, deltaBytes }),
  };
}

/**
 * A maker that works in the calling thread: for tests, and for runtimes that have nothing better. A service that answers while
 * it makes large deltas takes `createProcessMaker` of `flatdelta/serve/node`.
 */
export function createInlineMaker({ readImage, delta }: InlineMakerOptions): Maker {
  return {
    flatten: async (name, into, { signal, onProgress }) => {
      const { image, pullBytes, manifestDigest } = await readImage(name, signal);
      try {
        const { source } = await flattenImage(image, { signal, onProgress });
        const hash = createSha256();
        let doneBytes = 0;
        for await (const piece of scanSource(source, { signal })) {
          hash.update(piece);
          await into.write(piece);
          doneBytes += piece.length;
          onProgress?.({ phase: "write", doneBytes, totalBytes: source.size });
        }
        return {
          flatDigest: `sha256:${toHex(hash.digest())}`,
          flatBytes: source.size,
          pullBytes,
          manifestDigest,
          imageId: `sha256:${toHex(sha256(image.config))}`,
        };
      } finally {
        await image.close();
      }
    },
    makeDelta: async (basis, target, into, { signal, onProgress }) => {
      const sink = hashingSink(into);
      const [old, wanted] = [await openFlatImage(basis), await openFlatImage(target)];
      try {
        await createDelta(old, wanted, sink, { ...delta, signal, onProgress });
        return sink.finish();
      } finally {
        await old.close();
        await wanted.close();
      }
    },
  };
}
