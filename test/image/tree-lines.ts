/** Trees in words, for comparing. */
import { createHash } from "node:crypto";
import { tarLayer } from "../../src/image/layer.ts";
import { type MergeOptions, mergeLayers, type TreeNode, walkTree } from "../../src/image/tree.ts";
import type { Image } from "../../src/image/types.ts";
import { memorySource, readRange } from "../../src/io/index.ts";
import { type RawEntry, rawTar } from "./tar-builder.ts";

/** The tree that layers make, each given by its entries, lowest first. */
export function mergeEntries(
  layers: readonly (readonly RawEntry[])[],
  options: MergeOptions = {},
): Promise<TreeNode> {
  return mergeLayers(
    layers.map((entries) => tarLayer(memorySource(rawTar(entries)))),
    options,
  );
}

/** Paths with what is most telling of each: "d/", "f=content", "s->target", "h==first name". */
export async function describeTree(root: TreeNode): Promise<string[]> {
  const lines: string[] = [];
  const seen = new Map<TreeNode, string>();
  for (const { path, node } of walkTree(root)) {
    if (path === "") continue;
    const first = seen.get(node);
    seen.set(node, first ?? path);
    if (first !== undefined) lines.push(`${path}==${first}`);
    else if (node.type === "directory") lines.push(`${path}/`);
    else if (node.type === "symlink") lines.push(`${path}->${node.linkText}`);
    else if (node.type === "file") {
      const bytes = await readRange(node.content, 0, node.content.size);
      lines.push(`${path}=${Buffer.from(bytes).toString("latin1")}`);
    } else lines.push(`${path}:${node.type}`);
  }
  return lines;
}

export function findNode(root: TreeNode, path: string): TreeNode {
  for (const visit of walkTree(root)) if (visit.path === path) return visit.node;
  throw new Error(`no ${path} in the tree`);
}

export const digestOfTar = (tar: Uint8Array): string =>
  `sha256:${createHash("sha256").update(tar).digest("hex")}`;

export const CONFIG = { architecture: "amd64", os: "linux", config: { Cmd: ["/f"] } };

/** An image over layers given by their tars. */
export function imageOfTars(tars: readonly Uint8Array[], config: object = CONFIG): Image {
  return {
    config: Buffer.from(JSON.stringify(config)),
    references: [],
    layers: tars.map((tar) => tarLayer(memorySource(tar), { diffId: digestOfTar(tar) })),
    close: async () => {},
  };
}

export function imageOfEntries(layers: readonly (readonly RawEntry[])[], config: object = CONFIG): Image {
  return imageOfTars(layers.map(rawTar), config);
}
