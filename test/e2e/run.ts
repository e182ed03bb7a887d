/**
 * `npm run e2e`: the built CLI against tools that nobody here wrote (umoci, skopeo, GNU tar, a Docker engine).
 *
 * Needs root, for owners, devices and attributes, and the programs that {@link NEEDED_PROGRAMS} lists; it fails when one
 * is missing. `npm run e2e -- WORD` runs only the checks whose claim has the word in it.
 *
 * @module
 */
import { join } from "node:path";
import { BROWSER_CHECKS } from "./browser-checks.ts";
import type { PreparedImage } from "./checks.ts";
import { DAMAGE_CHECKS } from "./damage-checks.ts";
import { DOCKER_CHECKS } from "./docker-checks.ts";
import { FORM_CHECKS } from "./form-checks.ts";
import { copyImage, unpackWithUmoci } from "./images.ts";
import { IN_PLACE_CHECKS } from "./in-place-checks.ts";
import { REGISTRY_CHECKS } from "./registry-checks.ts";
import { ROOTFS_CHECKS } from "./rootfs-checks.ts";
import { runSuite } from "./run-checks.ts";
import { buildStressImage, STRESS_TAG, STRESS_UNTIMED_FOLDERS } from "./stress-image.ts";
import { NEEDED_PROGRAMS, PAIR, run } from "./tools.ts";
import { TREE_CHECKS } from "./tree-checks.ts";
import { UPDATE_CHECKS } from "./update-checks.ts";

const CHECKS = [
  ...TREE_CHECKS,
  ...FORM_CHECKS,
  ...DAMAGE_CHECKS,
  ...DOCKER_CHECKS,
  ...IN_PLACE_CHECKS,
  ...ROOTFS_CHECKS,
  ...REGISTRY_CHECKS,
  ...BROWSER_CHECKS,
  ...UPDATE_CHECKS,
];

/** Unpack an image with umoci and give the folders that the layers say nothing about the time they have by our rules. */
function prepareImage(
  work: string,
  image: Omit<PreparedImage, "tree">,
  untimedFolders: readonly (readonly [path: string, date: string])[],
): PreparedImage {
  const tree = unpackWithUmoci(image.layout, image.tag, join(work, `${image.name}.bundle`));
  for (const [path, date] of untimedFolders) run("touch", ["-d", date, join(tree, path)]);
  return { ...image, tree };
}

function prepareImages(work: string): PreparedImage[] {
  const images: PreparedImage[] = [];
  for (const name of ["old", "new"]) {
    const layout = join(work, `${name}.oci`);
    copyImage(`docker-archive:${join(PAIR, `${name}.tar`)}`, `oci:${layout}:${name}`);
    images.push(prepareImage(work, { name, layout, tag: name }, []));
  }
  const layout = buildStressImage(work);
  images.push(prepareImage(work, { name: "stress", layout, tag: STRESS_TAG }, STRESS_UNTIMED_FOLDERS));
  return images;
}

await runSuite({ name: "e2e", checks: CHECKS, neededPrograms: NEEDED_PROGRAMS, prepareImages });
