import type { Image } from "../../src/image/types.ts";
import { readRange } from "../../src/io/index.ts";

/** Every entry of every layer in words, contents included; the image is closed afterwards. */
export async function readAll(image: Image): Promise<string[][]> {
  try {
    const layers: string[][] = [];
    for (const layer of image.layers) {
      const entries: string[] = [];
      for await (const entry of layer.entries()) {
        const content = await readRange(entry.content, 0, entry.content.size);
        const link = entry.linkPath === "" ? "" : ` -> ${entry.linkPath}`;
        entries.push(
          `${entry.type} ${entry.path}${link} ${Buffer.from(content).toString("latin1")}`.trimEnd(),
        );
      }
      layers.push(entries);
    }
    return layers;
  } finally {
    await image.close();
  }
}

/** What {@link readAll} gives for the layers of `buildLayers`. */
export const EXPECTED_LAYERS = [
  ["directory etc", "file etc/motd hello", "file etc/gone soon hidden"],
  ["file etc/motd hello again", "file etc/.wh.gone", "symlink bin -> usr/bin"],
];
