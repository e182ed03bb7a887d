import { toHex } from "../bytes/index.ts";
import { ErrorCode, ImageError } from "../errors.ts";
import { createSha256 } from "../hash/index.ts";
import type { Source } from "../io/index.ts";
import { entryContent } from "./content.ts";
import { readTarIndex, scanTar, showName, type TarEntry, type TarLimits } from "./tar/index.ts";
import type { ImageLayer, LayerEntry } from "./types.ts";
import { isImageXattr } from "./xattr.ts";

/** How to read a layer. */
export interface TarLayerOptions extends TarLimits {
  /** Digest that the config names ("sha256:..."); reading the layer to its end proves it. */
  diffId?: string | undefined;
}

/** A path of an archive from the root of the image: no leading "/" or "./", no "." and no empty components. */
function normalizePath(path: string, what: string, entry: TarEntry): string {
  const components = path.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) {
    throw new ImageError(
      ErrorCode.UNSAFE_PATH,
      `${what} of a layer entry must not contain "..", found ${JSON.stringify(showName(path))}`,
      { offset: entry.headerOffset },
    );
  }
  return components.join("/");
}

function imageXattrs(xattrs: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  for (const name of xattrs.keys()) {
    if (!isImageXattr(name)) return new Map([...xattrs].filter(([other]) => isImageXattr(other)));
  }
  return xattrs;
}

function toLayerEntry(source: Source, entry: TarEntry): LayerEntry {
  const { header } = entry;
  return {
    type: header.type,
    path: normalizePath(header.name, "the path", entry),
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    mtimeSeconds: header.mtimeSeconds,
    mtimeNanoseconds: header.mtimeNanoseconds,
    linkPath:
      header.type === "hardlink"
        ? normalizePath(header.linkName, "the hard link target", entry)
        : header.linkName,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: imageXattrs(header.xattrs),
    content: entryContent(source, entry),
  };
}

/**
 * A layer over its uncompressed tar. Contents are ranges of `source`, so it must stay open while they are read.
 *
 * With a `diffId`, all bytes are read and hashed once a pass over the entries; without, only headers are read.
 * The iteration throws {@link ImageError} `BAD_TAR_HEADER`, `TRUNCATED`, `BAD_ENTRY` or `UNSAFE_PATH`, in the end
 * `DIGEST_MISMATCH`, or {@link LimitError} `COUNT_LIMIT` or `SIZE_LIMIT`.
 */
export function tarLayer(source: Source, options: TarLayerOptions = {}): ImageLayer {
  const { diffId } = options;
  async function* entries({ signal }: { signal?: AbortSignal | undefined } = {}) {
    if (diffId === undefined) {
      for await (const entry of readTarIndex(source, options)) {
        signal?.throwIfAborted();
        yield toLayerEntry(source, entry);
      }
      return;
    }
    const hash = createSha256();
    const onBytes = (bytes: Uint8Array) => hash.update(bytes);
    for await (const entry of scanTar(source, { ...options, onBytes, signal }))
      yield toLayerEntry(source, entry);
    const actual = `sha256:${toHex(hash.digest())}`;
    if (actual !== diffId) {
      throw new ImageError(
        ErrorCode.DIGEST_MISMATCH,
        `the layer's bytes are not those that the image names: expected ${diffId}, found ${actual}; ` +
          "copy or pull the image again",
        { expected: diffId, actual },
      );
    }
  }
  return diffId === undefined ? { entries } : { diffId, entries };
}
