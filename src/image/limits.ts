import { ErrorCode, LimitError } from "../errors.ts";
import type { TarLimits } from "./tar/index.ts";

/** Limits on what an image that is being read may ask for; those of tars hold for each layer and archive. */
export interface ReadLimits extends TarLimits {
  /** Bytes of one JSON document (manifest, index, config): 8 MiB by default. All together may have eight times as many. */
  jsonBytes?: number | undefined;
  /** Layers of an image: 1,000 by default. */
  layers?: number | undefined;
  /** Bytes that an image's compressed layers, and a compressed archive, may decompress to: 64 GiB by default. */
  decompressedBytes?: number | undefined;
  /** How many times its size compressed data may decompress to, once that is more than 1 GiB: 200 by default. */
  expansion?: number | undefined;
  /** Members of a docker-archive or OCI archive: 100,000 by default. */
  archiveMembers?: number | undefined;
  /** Image indexes inside one another: 4 by default. */
  indexDepth?: number | undefined;
  /** Manifests that indexes may name altogether: 1,000 by default. */
  manifests?: number | undefined;
}

/** Every limit of {@link ReadLimits} that is not a tar's, set, and those of tars. */
export type FilledLimits = TarLimits & {
  [Name in Exclude<keyof ReadLimits, keyof TarLimits>]-?: number;
};

/** Every limit, with its default where the caller set none. */
export function fillLimits(limits: ReadLimits = {}): FilledLimits {
  const { maxEntries, maxExtendedHeaderBytes, maxNameBytes, maxPathBytes } = limits;
  return {
    maxEntries,
    maxExtendedHeaderBytes,
    maxNameBytes,
    maxPathBytes,
    jsonBytes: limits.jsonBytes ?? 2 ** 23,
    layers: limits.layers ?? 1_000,
    decompressedBytes: limits.decompressedBytes ?? 2 ** 36,
    expansion: limits.expansion ?? 200,
    archiveMembers: limits.archiveMembers ?? 100_000,
    indexDepth: limits.indexDepth ?? 4,
    manifests: limits.manifests ?? 1_000,
  };
}

// As much as a hole in an ordinary image may make of nothing.
const FREE_EXPANSION_BYTES = 2 ** 30;

/** Watches what compressed data becomes: one for all that an image decompresses. */
export class ExpansionMeter {
  readonly #limits: Pick<FilledLimits, "decompressedBytes" | "expansion">;
  #compressedBytes = 0;
  #decompressedBytes = 0;

  constructor(limits: Pick<FilledLimits, "decompressedBytes" | "expansion">) {
    this.#limits = limits;
  }

  /** Count bytes that go into a decoder. */
  addCompressed(bytes: number): void {
    this.#compressedBytes += bytes;
  }

  /**
   * Count bytes that come out of one, before they are kept.
   *
   * @throws {@link LimitError} `SIZE_LIMIT`.
   */
  addDecompressed(bytes: number, path?: string): void {
    this.#decompressedBytes += bytes;
    const { decompressedBytes, expansion } = this.#limits;
    const details = path === undefined ? {} : { path };
    if (this.#decompressedBytes > decompressedBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `decompressed data is over the limit of ${decompressedBytes} bytes; raise limits.decompressedBytes if you trust the image`,
        details,
      );
    }
    if (this.#decompressedBytes > FREE_EXPANSION_BYTES + expansion * this.#compressedBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `${this.#compressedBytes} bytes decompress to over ${expansion} times as many; raise limits.expansion if you trust the image`,
        details,
      );
    }
  }
}
