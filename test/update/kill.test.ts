/** Killed at each phase: the next run ends with the right image, and moves nothing twice that is there already. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findPendingFileUpdate } from "../../src/apply/node.ts";
import type { UpdatePhase } from "../../src/update/index.ts";
import { useFolder } from "../cli/harness.ts";
import { TestDevice } from "./device.ts";
import { makeImage, makeTestDelta, type TestImage } from "./images.ts";
import { useService } from "./service-server.ts";

const PROGRAM = fileURLToPath(new URL("kill-program.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const at = useFolder();
const service = useService();
let [v1, v2]: TestImage[] = [];
let delta: Uint8Array | undefined;

before(async () => {
  [v1, v2] = [await makeImage(1), await makeImage(2)];
  delta = await makeTestDelta(v1, v2);
});

/** Run an update that kills itself when it tells of a phase for the `count`-th time. */
async function runKilled(path: string, inPlace: boolean, phase: UpdatePhase, count: number): Promise<void> {
  const argv = [
    "--import",
    import.meta.resolve("tsx"),
    PROGRAM,
    service.url,
    path,
    String(inPlace),
    phase,
    String(count),
  ];
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.deepEqual([code, signal], [null, "SIGKILL"], "the moment came");
}

/** When to kill, by how often a phase was told of. */
type Cell = readonly [inPlace: boolean, way: "delta" | "pull", phase: UpdatePhase, count: number];

// All of them with FLATDELTA_FAULTS=many or all; else those that differ most, since each is a process.
const isThorough = (process.env.FLATDELTA_FAULTS ?? "some") !== "some";

const THOROUGH_CELLS: readonly Cell[] = [
  // The device's own image is being hashed.
  [true, "delta", "check", 1],
  [true, "delta", "request", 2],
  [true, "delta", "download", 1],
  [true, "delta", "apply", 2],
  [true, "delta", "done", 1],
  [false, "pull", "apply", 1],
  [false, "pull", "verify", 1],
];

const CELLS: readonly Cell[] = [
  [true, "delta", "wait", 1],
  [true, "delta", "download", 2],
  // The delta is being proven, with nothing overwritten.
  [true, "delta", "check", 3],
  // The first step is written, and a later one.
  [true, "delta", "apply", 1],
  [true, "delta", "apply", 3],
  [true, "delta", "verify", 1],
  [false, "delta", "apply", 1],
  [true, "pull", "pull", 2],
  ...(isThorough ? THOROUGH_CELLS : []),
];

for (const [inPlace, way, phase, count] of CELLS) {
  test(`killed ${inPlace ? "in place" : "beside"}, ${way}: ${phase}, ${count}`, {
    timeout: 60_000,
  }, async () => {
    service.reset(v1!, v2!);
    if (way === "delta") service.addDelta(v1!, v2!, delta!);
    if (phase === "wait") service.fail("info", { status: 504 });
    const device = new TestDevice(at);
    await device.put(v1!);
    await runKilled(device.path, inPlace, phase, count);
    const left = await device.digest();
    const pending = await findPendingFileUpdate(device.path);
    assert.ok(
      left === v1!.digest || left === v2!.digest || pending?.isPrepared === true,
      "the old image, the new one, or one that can be completed",
    );
    if (!inPlace && phase !== "done") assert.equal(left, v1!.digest);
    const sentBefore = service.bytesSent;
    const { result, error, log } = await device.update(service.url, { inPlace });
    assert.equal(error, undefined, log);
    assert.equal(await device.digest(), v2!.digest);
    assert.deepEqual(await device.leftovers(), []);
    if (pending?.isPrepared) {
      assert.equal(result!.done, "resumed");
      assert.match(log, /completed the interrupted update/);
      assert.equal(result!.downloadedBytes, 0, "completed without the delta");
    } else if (way === "delta" && (phase === "apply" || (phase === "check" && count > 1))) {
      assert.deepEqual([result!.by, result!.downloadedBytes], ["deltas", 0]);
    } else if (phase === "download" && count > 1) {
      assert.ok(result!.downloadedBytes < delta!.length);
      assert.ok(service.bytesSent - sentBefore < delta!.length + 5000);
    }
    assert.ok(way === "pull" || result!.by !== "pull", "no full pull is needed");
  });
}

test("killed again and again, the update gets there", { timeout: 120_000, skip: !isThorough }, async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, delta!);
  const device = new TestDevice(at);
  await device.put(v1!);
  await runKilled(device.path, true, "download", 2);
  await runKilled(device.path, true, "apply", 2);
  await runKilled(device.path, true, "apply", 2);
  const { result } = await device.update(service.url, { inPlace: true });
  assert.deepEqual([result!.done, await device.digest()], ["resumed", v2!.digest]);
  assert.deepEqual(await device.leftovers(), []);
});
