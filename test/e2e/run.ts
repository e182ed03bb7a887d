/**
 * `npm run e2e`: the built CLI against tools that nobody here wrote (umoci, skopeo, GNU tar, a Docker engine).
 *
 * Needs root, for owners, devices and attributes, and the programs that {@link NEEDED_PROGRAMS} lists; it fails when one
 * is missing. `npm run e2e -- WORD` runs only the checks whose claim has the word in it.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BROWSER_CHECKS } from "./browser-checks.ts";
import type { PreparedImage } from "./checks.ts";
import { DAMAGE_CHECKS } from "./damage-checks.ts";
import { DOCKER_CHECKS } from "./docker-checks.ts";
import { FORM_CHECKS } from "./form-checks.ts";
import { copyImage, unpackWithUmoci } from "./images.ts";
import { IN_PLACE_CHECKS } from "./in-place-checks.ts";
import { REGISTRY_CHECKS } from "./registry-checks.ts";
import { buildStressImage, STRESS_TAG, STRESS_UNTIMED_FOLDERS } from "./stress-image.ts";
import { findObstacles, PAIR, run } from "./tools.ts";
import { TREE_CHECKS } from "./tree-checks.ts";
import { UPDATE_CHECKS } from "./update-checks.ts";

const CHECKS = [
  ...TREE_CHECKS,
  ...FORM_CHECKS,
  ...DAMAGE_CHECKS,
  ...DOCKER_CHECKS,
  ...IN_PLACE_CHECKS,
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

async function main(): Promise<void> {
  const obstacles = findObstacles();
  if (obstacles.length > 0)
    throw new Error(["this machine cannot run the checks:", ...obstacles].join("\n  "));
  const word = process.argv[2] ?? "";
  const checks = CHECKS.filter(({ claim }) => claim.includes(word));
  if (checks.length === 0) throw new Error(`no claim has "${word}" in it`);
  const work = mkdtempSync(join(tmpdir(), "flatdelta-e2e-"));
  let failed = 0;
  try {
    const prepared = join(work, "images");
    mkdirSync(prepared);
    const images = prepareImages(prepared);
    for (const [index, { claim, run: runCheck }] of checks.entries()) {
      const folder = join(work, String(index));
      mkdirSync(folder);
      const start = performance.now();
      let failure: unknown;
      try {
        await runCheck({ work: folder, images });
      } catch (error) {
        failed++;
        failure = error;
      }
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`${failure === undefined ? "passed" : "FAILED"}  ${claim} (${seconds} s)\n`);
      if (failure !== undefined) process.stdout.write(`    ${describe(failure)}\n`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`e2e: ${describe(error)}\n`);
  process.exitCode = 1;
}
