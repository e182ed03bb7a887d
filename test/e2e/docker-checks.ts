/**
 * A real Docker engine loads and runs what a device makes of a basis and a delta.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual } from "./checks.ts";
import { startEngine } from "./dockerd.ts";
import { flatdelta, PAIR, runCli } from "./tools.ts";

async function checkDocker({ work }: CheckContext): Promise<void> {
  const path = (name: string): string => join(work, name);
  const [delta, made] = [path("update.delta"), path("made.flat")];
  flatdelta("delta", join(PAIR, "old.tar"), join(PAIR, "new.tar"), "-o", delta);
  flatdelta("patch", join(PAIR, "old.tar"), delta, "-o", made);

  // A socket's path is short: not below the check's own folder.
  const engineFolder = mkdtempSync(join(tmpdir(), "fd-"));
  const engine = await startEngine(engineFolder);
  try {
    const loaded = engine.docker("load", "--quiet", "--input", made);
    const image = /(?:Loaded image ID|Loaded image): (\S+)/u.exec(loaded)?.[1];
    if (image === undefined) throw new Error(`expected docker load to name an image, it said: ${loaded}`);
    const printed = engine.docker("run", "--rm", "--network", "none", image);
    expectEqual(printed, readFileSync(join(PAIR, "new.txt"), "utf8"), "what the container prints");

    const [saved, again] = [path("saved.tar"), path("again.flat")];
    engine.docker("save", "--output", saved, image);
    flatdelta("flatten", saved, "-o", again);
    expectEqual(await hashFile(again), await hashFile(made), "SHA-256 of what docker save gives, flattened");

    engine.docker("load", "--quiet", "--input", join(PAIR, "new.tar"));
    const layered = path("layered.tar");
    engine.docker("save", "--output", layered, "flatdelta-fixture/gateway:1.1.0");
    flatdelta("flatten", layered, "-o", path("layered.flat"));
    expectEqual(
      await hashFile(path("layered.flat")),
      await hashFile(made),
      "SHA-256 of the image with its layers, loaded and saved by docker, flattened",
    );
  } finally {
    await engine.stop();
    rmSync(engineFolder, { recursive: true, force: true });
  }
}

/** From the image in the engine and a delta to the next image in the engine. */
async function checkDockerTransport({ work }: CheckContext): Promise<void> {
  const path = (name: string): string => join(work, name);
  const [oldArchive, newArchive] = [join(PAIR, "old.tar"), join(PAIR, "new.tar")];
  flatdelta("delta", oldArchive, newArchive, "-o", path("update.delta"));
  flatdelta("flatten", newArchive, "-o", path("new.flat"));
  const engineFolder = mkdtempSync(join(tmpdir(), "fd-"));
  const engine = await startEngine(engineFolder);
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = engine.host;
  try {
    engine.docker("load", "--quiet", "--input", oldArchive);
    const old = "docker-daemon:flatdelta-fixture/gateway:1.0.0";
    flatdelta("patch", old, path("update.delta"), "-o", "docker-daemon:flatdelta-fixture/updated:2");
    const printed = engine.docker("run", "--rm", "--network", "none", "flatdelta-fixture/updated:2");
    expectEqual(printed, readFileSync(join(PAIR, "new.txt"), "utf8"), "what the container prints");
    flatdelta("flatten", "docker-daemon:flatdelta-fixture/updated:2", "-o", path("again.flat"));
    expectEqual(
      await hashFile(path("again.flat")),
      await hashFile(path("new.flat")),
      "SHA-256 of the image, read back",
    );
    const missing = runCli("flatten", "docker-daemon:nothing:1", "-o", path("nothing.flat"));
    expectEqual(missing.stderr.includes("(IMAGE_NOT_FOUND)"), true, "a missing image is IMAGE_NOT_FOUND");
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
    await engine.stop();
    rmSync(engineFolder, { recursive: true, force: true });
  }
}

export const DOCKER_CHECKS: readonly Check[] = [
  {
    claim: "docker loads an image made by patch, runs it, and what it saves flattens to the same bytes",
    run: checkDocker,
  },
  {
    claim: "an image of an engine and a delta make the next image of the engine, through its socket",
    run: checkDockerTransport,
  },
];
