/**
 * A real balenaEngine applies our delta images, and we apply its.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import { buildNewDockerArchive, buildTar } from "../image/build-image.ts";
import { withBalenaEngine } from "./balena-engine.ts";
import { type Check, type CheckContext, expectEqual } from "./checks.ts";
import { startDockerRegistry } from "./docker-registry.ts";
import type { Engine } from "./dockerd.ts";
import { copyImage } from "./images.ts";
import { STRESS_TAG } from "./stress-image.ts";
import { flatdelta, PAIR, run } from "./tools.ts";

const [OLD, NEW] = [join(PAIR, "old.tar"), join(PAIR, "new.tar")] as const;
const [OLD_NAME, NEW_NAME] = ["flatdelta-fixture/gateway:1.0.0", "flatdelta-fixture/gateway:1.1.0"];

function idOf(engine: Engine, name: string): string {
  return engine.docker("image", "inspect", "--format", "{{.Id}}", name).trim();
}

/** The engine has the very image, it runs, and what it saves has the same files. */
async function expectTarget(engine: Engine, name: string, id: unknown, work: string): Promise<void> {
  expectEqual(idOf(engine, name), id, "ID of the image in the engine");
  const printed = engine.docker("run", "--rm", "--network", "none", name);
  expectEqual(printed, readFileSync(join(PAIR, "new.txt"), "utf8"), "what the container prints");
  engine.docker("save", "--output", join(work, "saved.tar"), name);
  flatdelta("flatten", join(work, "saved.tar"), "-o", join(work, "saved.flat"));
  flatdelta("flatten", NEW, "-o", join(work, "new.flat"));
  expectEqual(
    await hashFile(join(work, "saved.flat")),
    await hashFile(join(work, "new.flat")),
    "SHA-256 of what the engine saves, flattened",
  );
}

async function checkLoad({ work }: CheckContext): Promise<void> {
  const delta = join(work, "delta.tar");
  const { targetId } = flatdelta("delta", "--format", "balena", OLD, NEW, "-o", delta);
  await withBalenaEngine(async (engine) => {
    engine.docker("load", "--quiet", "--input", OLD);
    engine.docker("load", "--quiet", "--input", delta);
    await expectTarget(engine, NEW_NAME, targetId, work);
  });
}

async function checkPull({ work }: CheckContext): Promise<void> {
  const delta = join(work, "delta.tar");
  const { targetId } = flatdelta("delta", "--format", "balena", OLD, NEW, "-o", delta);
  const registry = await startDockerRegistry(join(work, "registry"));
  try {
    const name = `${registry.host}/gateway:delta`;
    const copy = [
      "copy",
      "--quiet",
      "--dest-tls-verify=false",
      `docker-archive:${delta}`,
      `docker://${name}`,
    ];
    run("skopeo", copy);
    await withBalenaEngine(async (engine) => {
      engine.docker("load", "--quiet", "--input", OLD);
      engine.docker("pull", "--quiet", name);
      await expectTarget(engine, name, targetId, work);
    });
  } finally {
    await registry.stop();
  }
}

async function checkTheirs({ work }: CheckContext): Promise<void> {
  const [theirs, made] = [join(work, "theirs.tar"), join(work, "made.tar")];
  await withBalenaEngine(async (engine) => {
    for (const archive of [OLD, NEW]) engine.docker("load", "--quiet", "--input", archive);
    const id = idOf(engine, NEW_NAME);
    engine.docker("image", "delta", "--tag", "gateway:delta", OLD_NAME, NEW_NAME);
    engine.docker("save", "--output", theirs, "gateway:delta");
    expectEqual(flatdelta("verify", theirs).targetId, id, "what the delta image makes, as verify reads it");
    expectEqual(flatdelta("patch", OLD, theirs, "-o", made).targetId, id, "ID of what patch makes");
    for (const name of [NEW_NAME, "gateway:delta"]) engine.docker("rmi", "--force", name);
    engine.docker("load", "--quiet", "--input", made);
    await expectTarget(engine, "gateway:delta", id, work);
  });
}

/** Load `basis` into the engine, which is empty before and after, and what makes `target` of it, and expect the target. */
async function expectLoaded(engine: Engine, basis: string, target: string, delta: string): Promise<void> {
  const { targetId } = flatdelta("delta", "--format", "balena", basis, target, "-o", delta, "--force");
  engine.docker("load", "--quiet", "--input", basis);
  engine.docker("load", "--quiet", "--input", delta);
  expectEqual(idOf(engine, String(targetId)), targetId, "ID of the image in the engine");
  engine.docker("image", "prune", "--all", "--force");
}

async function checkShapes({ work }: CheckContext): Promise<void> {
  const empty = await buildTar([]);
  const layers: Uint8Array[] = [];
  for (const name of ["a", "b", "c"])
    layers.push(
      await buildTar([
        [name, `${name}\n`.repeat(2000)],
        ["same", `of ${name}`],
      ]),
    );
  const [a, b, c] = layers as [Uint8Array, Uint8Array, Uint8Array];
  const shapes = [[a, b, c], [c, b, a], [a, b], [a, b, c, c], [a, empty, c], [empty], [a]];
  const names = shapes.map((_, i) => join(work, `${i}.tar`));
  for (const [i, shape] of shapes.entries())
    writeFileSync(names[i]!, await buildNewDockerArchive(shape, i % 2 === 1));
  await withBalenaEngine(async (engine) => {
    for (const basis of names)
      for (const target of names)
        if (basis !== target) await expectLoaded(engine, basis, target, join(work, "delta.tar"));
  });
}

async function checkStress({ work, images }: CheckContext): Promise<void> {
  const { layout } = images.find(({ name }) => name === "stress")!;
  const stress = join(work, "stress.tar");
  copyImage(`oci:${layout}:${STRESS_TAG}`, `docker-archive:${stress}:stress:1`);
  const delta = join(work, "delta.tar");
  // Not as a basis: engines do not get layers with sparse files back byte for byte, and cannot save them either.
  await withBalenaEngine((engine) => expectLoaded(engine, OLD, stress, delta));
}

export const BALENA_CHECKS: readonly Check[] = [
  { claim: "balenaEngine makes the target when it loads our delta image, and runs it", run: checkLoad },
  { claim: "balenaEngine makes the target when it pulls our delta image from a registry", run: checkPull },
  {
    claim: "patch makes the target of a delta image by balenaEngine, which loads and runs it",
    run: checkTheirs,
  },
  {
    claim: "layers that are moved, repeated, left out or empty come out of balenaEngine as they were",
    run: checkShapes,
  },
  {
    claim: "layers with everything that layers may have come out of balenaEngine as they were",
    run: checkStress,
  },
];
