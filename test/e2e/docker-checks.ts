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
import { flatdelta, PAIR } from "./tools.ts";

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

export const DOCKER_CHECKS: readonly Check[] = [
  {
    claim: "docker loads an image made by patch, runs it, and what it saves flattens to the same bytes",
    run: checkDocker,
  },
];
