import { toHex } from "../bytes/index.ts";
import { ErrorCode, ImageError, LimitError } from "../errors.ts";
import { createSha256 } from "../hash/index.ts";
import type { ScratchSpace, Source } from "../io/index.ts";
import { type Compression, detectCompression, type Spooled, spoolDecompressed } from "./decompress.ts";
import { checkDigest } from "./digest.ts";
import { tarLayer } from "./layer.ts";
import { ExpansionMeter, type FilledLimits } from "./limits.ts";
import type { ImageLayer } from "./types.ts";

/** A layer as an archive or layout stores it: a tar, plain or compressed. */
export interface StoredLayer {
  blob: Source;
  /** Digest of the blob as it is stored, where it is known; it is proven. */
  digest?: string | undefined;
  /** Digest of the uncompressed tar, from the config; it is proven. */
  diffId: string;
  /** Names the blob in errors. */
  path: string;
}

/** The layers of an image and what they hold in scratch space. */
export interface LayerSet {
  readonly layers: readonly ImageLayer[];
  close(): Promise<void>;
}

/**
 * Check how many layers an image has.
 *
 * @throws {@link LimitError} `COUNT_LIMIT`; {@link ImageError} `BAD_MANIFEST` when manifest and config disagree.
 */
export function checkLayerCount(layers: number, diffIds: number, limits: FilledLimits, path: string): void {
  if (layers > limits.layers) {
    throw new LimitError(
      ErrorCode.COUNT_LIMIT,
      `expected at most ${limits.layers} layers, found ${layers}; raise limits.layers if you trust the image`,
      { path },
    );
  }
  if (layers !== diffIds) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `expected as many layers as the config's rootfs.diff_ids, found ${layers} and ${diffIds}`,
      { path },
    );
  }
}

/**
 * Make layers out of stored blobs.
 *
 * A compressed blob is decompressed into scratch space when its layer's entries are first asked for, the next layer's
 * at the same time: so two threads of the pool decompress while the merge goes on.
 */
export function createLayerSet(
  stored: readonly StoredLayer[],
  options: { scratch: ScratchSpace; limits: FilledLimits; signal?: AbortSignal | undefined },
): LayerSet {
  const closing = new AbortController();
  const signal =
    options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal]);
  const meter = new ExpansionMeter(options.limits);
  const spooling = new Map<string, Promise<Spooled>>();

  const spool = async (layer: StoredLayer, compression: Compression): Promise<Spooled> => {
    const hash = createSha256();
    const spooled = await spoolDecompressed(layer.blob, compression, {
      scratch: options.scratch,
      signal,
      meter,
      path: layer.path,
      onCompressed: (piece) => hash.update(piece),
    });
    try {
      if (layer.digest !== undefined) checkDigest(`sha256:${toHex(hash.digest())}`, layer.digest, layer.path);
      return spooled;
    } catch (error) {
      await spooled.release();
      throw error;
    }
  };
  const openTar = async (layer: StoredLayer): Promise<Source> => {
    const compression = await detectCompression(layer.blob);
    if (compression === "none") {
      // The blob is the tar: its digest must be the diffID, which reading the tar proves.
      if (layer.digest !== undefined) checkDigest(layer.digest, layer.diffId, layer.path);
      return layer.blob;
    }
    let spooled = spooling.get(layer.path);
    if (spooled === undefined) {
      closing.signal.throwIfAborted();
      spooled = spool(layer, compression);
      spooling.set(layer.path, spooled);
    }
    return (await spooled).source;
  };

  const layers = stored.map(
    (layer, i): ImageLayer => ({
      diffId: layer.diffId,
      async *entries(request = {}) {
        const next = stored[i + 1];
        const tar = openTar(layer);
        // Its failure is met again when its own entries are asked for.
        if (next !== undefined) void openTar(next).catch(() => {});
        const source = await rejectOnAbort(tar, request.signal);
        yield* tarLayer(source, { ...options.limits, diffId: layer.diffId }).entries(request);
      },
      openTar: (request = {}) => rejectOnAbort(openTar(layer), request.signal),
    }),
  );
  return {
    layers,
    close: async () => {
      closing.abort(new Error("the image was closed"));
      for (const spooled of spooling.values()) {
        await spooled.then(
          ({ release }) => release(),
          () => {},
        );
      }
    },
  };
}

async function rejectOnAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}
