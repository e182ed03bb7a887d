/**
 * Folders that another tool unpacked are updated in place, and become what that tool makes of the new image.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Check, CheckContext, PreparedImage } from "./checks.ts";
import { expectEqual, expectNone } from "./checks.ts";
import { readConfig } from "./images.ts";
import { flatdelta, PAIR, run } from "./tools.ts";
import { compareTrees, readTree } from "./tree.ts";

/** Between them all that images hold changes: kinds of entries, links, devices, owners, modes, times, attributes. */
const UPDATES = ["old new", "new old", "old stress", "stress new"] as const;

/** The image as a server has it. */
function archiveOf({ name, layout, tag }: PreparedImage): string {
  return name === "stress" ? `oci:${layout}:${tag}` : join(PAIR, `${name}.tar`);
}

function checkUpdates({ images, work }: CheckContext): void {
  const find = (name: string): PreparedImage => images.find((image) => image.name === name)!;
  for (const update of UPDATES) {
    const [from, to] = update.split(" ").map((name) => find(name)) as [PreparedImage, PreparedImage];
    const [tree, config, delta] = ["rootfs", "config.json", "delta"].map((name) => join(work, name)) as [
      string,
      string,
      string,
    ];
    run("cp", ["--archive", from.tree, tree]);
    writeFileSync(config, readConfig(from.layout));
    flatdelta("delta", archiveOf(from), archiveOf(to), "-o", delta, "--force");
    const name = `rootfs:${tree}:${config}`;
    flatdelta("patch", "--in-place", name, delta);
    expectNone(compareTrees(readTree(to.tree), readTree(tree)), update);
    const { done } = flatdelta("patch", "--in-place", name, delta);
    expectEqual(done, "none", `${update}: what is done when the update is there already`);
    run("rm", ["-rf", tree]);
  }
}

export const ROOTFS_CHECKS: readonly Check[] = [
  {
    claim: "a folder that umoci unpacked, updated in place, is the tree that umoci makes of the new image",
    run: checkUpdates,
  },
];
