/** `update` and `agent`, as commands. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { before, test } from "node:test";
import { InterruptedError } from "../../src/cli/exit-code.ts";
import { digestOf, makeImage, makeTestDelta, type TestImage } from "../update/images.ts";
import { useService } from "../update/service-server.ts";
import { run, useFolder } from "./harness.ts";

const at = useFolder();
const service = useService();
let [v1, v2, v3]: TestImage[] = [];
let [to2, to3]: Uint8Array[] = [];

before(async () => {
  [v1, v2, v3] = [await makeImage(1), await makeImage(2), await makeImage(3)];
  [to2, to3] = [await makeTestDelta(v1, v2), await makeTestDelta(v2, v3)];
});

async function prepare(): Promise<void> {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  service.addDelta(v2!, v3!, to3!);
  await writeFile(at("app.flat"), v1!.flat);
}

const currentDigest = async (): Promise<string> => digestOf(await readFile(at("app.flat")));

test("an update in place, reported as JSON and logged", async () => {
  await prepare();
  const argv = ["update", "--from", service.url, "--app", "app", "--current", at("app.flat"), "--in-place"];
  const { code, stdout, stderr } = await run([...argv, "--json"]);
  assert.equal(code, 0, stderr);
  const { release, ...report } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(report, {
    done: "updated",
    by: "deltas",
    flatSha256: v2!.digest.slice(7),
    basisSha256: v1!.digest.slice(7),
    hopCount: 1,
    downloadedBytes: to2!.length,
    savedBytes: service.pullBytes - to2!.length,
    fallback: null,
    seconds: 1.5,
    peakMemoryBytes: 4096,
  });
  assert.match(String(release), /^app:/);
  assert.match(stderr, /^a delta of \d+ bytes\n.*app\.flat: has app:/);
  assert.equal(await currentDigest(), v2!.digest);
  const again = await run(argv);
  assert.match(again.stdout, /done +nothing to do/);
});

test("options come from a file, variables too, and the log as JSON", async () => {
  await prepare();
  await writeFile(at("token"), "secret-token-0123456789\n");
  await writeFile(
    at("variables.json"),
    JSON.stringify({
      fleetVariables: { RESIN_SUPERVISOR_DELTA: 1 },
      deviceVariables: { RESIN_SUPERVISOR_DELTA: 0 },
    }),
  );
  await writeFile(
    at("update.json"),
    JSON.stringify({
      from: service.url,
      app: "app",
      current: at("app.flat"),
      target: at("new.flat"),
      variables: at("variables.json"),
      "token-file": at("token"),
      log: "json",
    }),
  );
  const { code, stdout, stderr } = await run(["update", "--config", at("update.json"), "--json"]);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(report.by, "pull");
  assert.deepEqual((report.fallback as { code: string }).code, "POLICY");
  const events = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; phase?: string });
  assert.ok(events.some(({ type }) => type === "fallback"));
  assert.deepEqual([...new Set(events.map(({ phase }) => phase))].includes("pull"), true);
  assert.equal(await currentDigest(), v1!.digest);
  assert.equal(digestOf(await readFile(at("new.flat"))), v2!.digest);
});

const WRONG_USE: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [[], /expected --current/],
  [["--current", "x"], /expected --from/],
  [["--current", "x", "--from", "ftp://x"], /expected --from http/],
  [["--current", "x", "--from", "http://127.0.0.1:9"], /expected --app/],
  [["--current", "x", "--in-place", "--target", "y"], /either --in-place or --target/],
  [["--current", "rootfs:/", "--target", "y"], /no --target with a folder/],
];

for (const [argv, message] of WRONG_USE) {
  test(`wrong use of update is told: ${argv.join(" ")}`, async () => {
    const { code, stderr } = await run(["update", ...argv]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  });
}

/** Wait until something holds; the test's own time-out ends it. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const hookLines = async (): Promise<string[]> =>
  (await readFile(at("hooks"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

test("an agent updates at once, at each announcement, and calls its hook once for each image", {
  timeout: 60_000,
}, async () => {
  await prepare();
  const hook = `echo "$FLATDELTA_BASIS $FLATDELTA_DIGEST $FLATDELTA_IMAGE" >>${at("hooks")}; echo said`;
  const argv = [
    "agent",
    "--from",
    service.url,
    "--app",
    "app",
    "--current",
    at("app.flat"),
    "--in-place",
    "--hook",
    hook,
  ];
  const stop = new AbortController();
  const running = run([...argv, "--json"], { signal: stop.signal });
  await until(async () => (await hookLines()).length === 1 && service.listenerCount === 1);
  service.announce(v3!);
  await until(async () => (await hookLines()).length === 2);
  assert.deepEqual(await hookLines(), [
    `${v1!.digest} ${v2!.digest} ${at("app.flat")}`,
    `${v2!.digest} ${v3!.digest} ${at("app.flat")}`,
  ]);
  await until(
    async () => (await readFile(at("app.flat.agent"), "utf8").catch(() => "")) === `${v3!.digest}\n`,
  );
  stop.abort(new InterruptedError("SIGTERM"));
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  assert.deepEqual((JSON.parse(stdout) as { updates: number }).updates, 2);
  assert.match(stderr, /hook: said/);
  // Another one knows that the hook has run.
  const again = new AbortController();
  const second = run(argv, { signal: again.signal });
  await until(() => service.listenerCount === 1);
  again.abort(new InterruptedError("SIGTERM"));
  await second;
  assert.equal((await hookLines()).length, 2);
});
