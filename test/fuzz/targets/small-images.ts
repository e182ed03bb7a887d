/** Images of a few files, for seeds. */
import { encodeUtf8 } from "../../../src/bytes/index.ts";
import type { Image } from "../../../src/image/index.ts";
import { tarLayer } from "../../../src/image/layer.ts";
import { memorySource } from "../../../src/io/index.ts";
import { file, rawTar } from "../../image/tar-builder.ts";

/** A layer with files of these contents. */
export function layerOf(files: Readonly<Record<string, string>>, mtimeSeconds = 1): Uint8Array {
  return rawTar(Object.entries(files).map(([name, content]) => file(name, content, { mtimeSeconds })));
}

/** An image of these layers. */
export function imageOf(layers: readonly Uint8Array[]): Image {
  return {
    config: encodeUtf8('{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/true"]}}'),
    layers: layers.map((layer) => tarLayer(memorySource(layer))),
    references: [],
    close: async () => {},
  };
}
