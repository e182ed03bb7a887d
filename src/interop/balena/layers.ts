import { type EntrySpan, hashWholeSource, type IndexedInput, type SourceIndex } from "../../encode/index.ts";
import { ErrorCode, UnsupportedError } from "../../errors.ts";
import { checkDigest, formatDigest } from "../../image/digest.ts";
import type { Image } from "../../image/index.ts";
import { indexTar } from "../../image/tar-index.ts";
import { concatSources, type Source } from "../../io/index.ts";

/**
 * The uncompressed tars of an image's layers.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` when it has none.
 */
export function openLayerTars(image: Image, signal: AbortSignal | undefined): Promise<Source[]> {
  return Promise.all(
    image.layers.map((layer) => {
      if (layer.openTar !== undefined) return layer.openTar({ signal });
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        "expected an image with the tars of its layers, found a root file system; balenaEngine compares layers",
      );
    }),
  );
}

/** A layer's tar with its entries; its digest is proven when it is indexed. */
export function indexedLayer(tar: Source, diffId: string): IndexedInput {
  let found: Promise<SourceIndex> | undefined;
  const index = async (signal: AbortSignal | undefined): Promise<SourceIndex> => {
    const made = await indexTar(tar, { signal });
    checkDigest(formatDigest((await made.hashes).sha256), diffId, "a layer");
    return made;
  };
  return { source: tar, index: ({ signal } = {}) => (found ??= index(signal)) };
}

function shiftSpan(span: EntrySpan, by: number): EntrySpan {
  return { ...span, headerOffset: span.headerOffset + by, contentOffset: span.contentOffset + by };
}

/** The tars of layers one after another: what balenaEngine takes for the basis of each layer's delta. */
export function indexedLayers(layers: readonly IndexedInput[]): IndexedInput {
  const source = concatSources(layers.map((layer) => layer.source));
  let found: Promise<SourceIndex> | undefined;
  const index = async (signal: AbortSignal | undefined): Promise<SourceIndex> => {
    const entries: EntrySpan[] = [];
    let offset = 0;
    for (const layer of layers) {
      for (const span of (await layer.index({ signal })).entries) entries.push(shiftSpan(span, offset));
      offset += layer.source.size;
    }
    return { hashes: Promise.resolve(await hashWholeSource(source, {}, { signal })), entries };
  };
  return { source, index: ({ signal } = {}) => (found ??= index(signal)) };
}
