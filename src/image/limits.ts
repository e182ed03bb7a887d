import { MAX_DECOMPRESSED_BYTES } from "./decompress.ts";

/** Limits on what an image that is being read may ask for. */
export interface ReadLimits {
  /** Bytes of one JSON document (manifest, index, config): 8 MiB by default. */
  jsonBytes?: number | undefined;
  /** Layers of an image: 1,000 by default. */
  layers?: number | undefined;
  /** Bytes that one compressed layer or archive may decompress to: 64 GiB by default. */
  decompressedBytes?: number | undefined;
  /** Members of a docker-archive or OCI archive: 100,000 by default. */
  archiveMembers?: number | undefined;
  /** Image indexes inside one another: 4 by default. */
  indexDepth?: number | undefined;
  /** Manifests that indexes may name altogether: 1,000 by default. */
  manifests?: number | undefined;
}

/** Every limit, with its default where the caller set none. */
export function fillLimits(limits: ReadLimits = {}): { [Name in keyof ReadLimits]-?: number } {
  return {
    jsonBytes: limits.jsonBytes ?? 2 ** 23,
    layers: limits.layers ?? 1_000,
    decompressedBytes: limits.decompressedBytes ?? MAX_DECOMPRESSED_BYTES,
    archiveMembers: limits.archiveMembers ?? 100_000,
    indexDepth: limits.indexDepth ?? 4,
    manifests: limits.manifests ?? 1_000,
  };
}

/** Every limit of {@link ReadLimits}, set. */
export type FilledLimits = ReturnType<typeof fillLimits>;
