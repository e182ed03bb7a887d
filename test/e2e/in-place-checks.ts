/**
 * Images that are updated in place: a real Docker engine runs what comes out, a killed process loses nothing.
 *
 * @module
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashFile } from "../../bench/digest.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual } from "./checks.ts";
import { startEngine } from "./dockerd.ts";
import { flatdelta, PAIR, run } from "./tools.ts";

async function checkVersions({ work }: CheckContext): Promise<void> {
  const path = (name: string): string => join(work, name);
  const engineFolder = mkdtempSync(join(tmpdir(), "fd-"));
  const engine = await startEngine(engineFolder);
  const load = (archive: string): string => {
    const loaded = engine.docker("load", "--quiet", "--input", archive);
    const image = /(?:Loaded image ID|Loaded image): (\S+)/u.exec(loaded)?.[1];
    if (image === undefined) throw new Error(`expected docker load to name an image, it said: ${loaded}`);
    return image;
  };
  try {
    // The third version is one that the engine itself makes of the second.
    const second = load(join(PAIR, "new.tar"));
    const printed = engine.docker("run", "--name", "work", "--network", "none", second);
    writeFileSync(path("note"), "made by docker commit\n".repeat(500));
    engine.docker("cp", path("note"), "work:/note");
    engine.docker("commit", "--change", "LABEL version=3", "work", "flatdelta-fixture/gateway:3");
    engine.docker("save", "--output", path("third.tar"), "flatdelta-fixture/gateway:3");

    const versions = [join(PAIR, "old.tar"), join(PAIR, "new.tar"), path("third.tar")];
    const device = path("device.flat");
    versions.forEach((archive, i) => {
      flatdelta("flatten", archive, "-o", path(`${i}.flat`));
    });
    copyFileSync(path("0.flat"), device);
    for (const [from, to] of [
      [0, 1],
      [1, 2],
    ] as const) {
      flatdelta("delta", versions[from]!, versions[to]!, "-o", path(`${to}.delta`));
      flatdelta("patch", "--in-place", device, path(`${to}.delta`));
      expectEqual(
        await hashFile(device),
        await hashFile(path(`${to}.flat`)),
        `SHA-256 of version ${to + 1} on the device`,
      );
    }
    const image = load(device);
    expectEqual(
      engine.docker("run", "--rm", "--network", "none", image),
      printed,
      "what the container prints",
    );
    expectEqual(
      engine.docker("inspect", "--format", "{{.Config.Labels.version}}", image).trim(),
      "3",
      "the label of the third version",
    );
  } finally {
    await engine.stop();
    rmSync(engineFolder, { recursive: true, force: true });
  }
}

/** Behind the image on the device: somebody else's bytes. */
const OTHER_BYTES = 1 << 20;

async function checkDevice({ work }: CheckContext): Promise<void> {
  const path = (name: string): string => join(work, name);
  const [oldFlat, newFlat, delta, disk] = [
    path("old.flat"),
    path("new.flat"),
    path("update.delta"),
    path("disk"),
  ];
  flatdelta("flatten", join(PAIR, "old.tar"), "-o", oldFlat);
  flatdelta("flatten", join(PAIR, "new.tar"), "-o", newFlat);
  flatdelta("delta", oldFlat, newFlat, "-o", delta);
  const wanted = readFileSync(newFlat);
  // As large as the new image at least, and a whole number of the disk's sectors.
  const diskBytes = Math.ceil(wanted.length / 4096) * 4096 + OTHER_BYTES;
  const before = Buffer.concat([readFileSync(oldFlat), Buffer.alloc(diskBytes, 0xa5)]).subarray(0, diskBytes);
  writeFileSync(disk, before);
  const device = String(run("losetup", ["--find", "--show", disk])).trim();
  try {
    const report = flatdelta("patch", "--in-place", device, delta, "--scratch", path("scratch"));
    expectEqual(report.done, "applied", "what was done");
    const again = flatdelta("patch", "--in-place", device, delta, "--scratch", path("scratch"));
    expectEqual(again.done, "none", "what the second run did");
    const after = readFileSync(device);
    expectEqual(
      after.subarray(0, wanted.length).equals(wanted),
      true,
      "whether the device holds the new image",
    );
    const isKept = after.subarray(wanted.length).equals(before.subarray(wanted.length));
    expectEqual(isKept, true, "whether what is behind the image is untouched");
  } finally {
    run("losetup", ["--detach", device]);
  }
}

const KILL_SCRIPT = fileURLToPath(new URL("../../bench/kill.ts", import.meta.url));

function checkKills({ work }: CheckContext): Promise<void> {
  const pair = ["--old", join(PAIR, "old.tar"), "--new", join(PAIR, "new.tar")];
  run(process.execPath, ["--import", "tsx", KILL_SCRIPT, ...pair, "--kills", "30", "--tmp", work]);
  return Promise.resolve();
}

export const IN_PLACE_CHECKS: readonly Check[] = [
  { claim: "docker loads and runs an image that was updated in place twice", run: checkVersions },
  { claim: "a block device is updated in place, and what is behind the image stays", run: checkDevice },
  { claim: "an update in place that is killed at random moments comes to the exact target", run: checkKills },
];
