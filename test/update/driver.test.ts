/** Updates that go as they should: by deltas, by chains, by pulls; progress; what is left behind. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { before, test } from "node:test";
import {
  resolvePolicy,
  serviceSource,
  type UpdateProgress,
  type UpdateSource,
} from "../../src/update/index.ts";
import { useFolder } from "../cli/harness.ts";
import { TestDevice } from "./device.ts";
import { makeImage, makeTestDelta, offerOf, type TestImage } from "./images.ts";
import { useService } from "./service-server.ts";

const at = useFolder();
const service = useService();
let [v1, v2, v3]: TestImage[] = [];
let [to2, to3]: Uint8Array[] = [];

before(async () => {
  [v1, v2, v3] = [await makeImage(1), await makeImage(2), await makeImage(3)];
  [to2, to3] = [await makeTestDelta(v1, v2), await makeTestDelta(v2, v3)];
});

for (const inPlace of [false, true]) {
  test(`a delta is downloaded and applied ${inPlace ? "in place" : "beside"}, and nothing is left behind`, async () => {
    service.reset(v1!, v2!);
    service.addDelta(v1!, v2!, to2!);
    const device = new TestDevice(at);
    await device.put(v1!);
    const { result, error } = await device.update(service.url, { inPlace });
    assert.equal(error, undefined);
    assert.deepEqual(
      [result!.done, result!.by, result!.hopCount, result!.downloadedBytes],
      ["updated", "deltas", 1, to2!.length],
    );
    assert.equal(result!.savedBytes, service.pullBytes - to2!.length);
    assert.deepEqual([result!.basisDigest, result!.digest], [v1!.digest, v2!.digest]);
    assert.equal(await device.digest(), v2!.digest);
    assert.deepEqual(await device.leftovers(), []);
    const again = await device.update(service.url, { inPlace });
    assert.deepEqual([again.result!.done, again.result!.by], ["none", "none"]);
  });
}

test("a device with no image pulls it", async () => {
  service.reset(v2!);
  const device = new TestDevice(at);
  const { result, log } = await device.update(service.url, { inPlace: true });
  assert.deepEqual([result!.by, result!.basisDigest, result!.savedBytes], ["pull", undefined, 0]);
  assert.equal(await device.digest(), v2!.digest);
  assert.match(log, /pulling the whole image: there is no image here yet \(NO_BASIS\)/);
});

test("a device whose deltas are switched off pulls, and the log names the variable", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  const policy = resolvePolicy({
    fleet: { BALENA_SUPERVISOR_DELTA: 1 },
    device: { RESIN_SUPERVISOR_DELTA: 0 },
  });
  const { result, log } = await device.update(service.url, { policy });
  assert.deepEqual([result!.by, await device.digest()], ["pull", v2!.digest]);
  assert.deepEqual(service.requests, ["latest 0", "image 0"]);
  assert.match(log, /switched off \(RESIN_SUPERVISOR_DELTA of the device\) \(POLICY\)/);
});

test("an image goes to a file of its own where one is named", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  const { flatFile } = await import("../../src/update/node.ts");
  const output = at("new.flat");
  const { result } = await device.update(service.url, { current: flatFile(device.path, { output }) });
  assert.equal(result!.by, "deltas");
  assert.deepEqual([await device.digest(), await device.leftovers()], [v1!.digest, ["new.flat"]]);
  assert.throws(() => flatFile(device.path, { output, inPlace: true }), TypeError);
});

/** The service, but with a chain of deltas. */
function chainSource(changes: Partial<UpdateSource> = {}): UpdateSource {
  const real = serviceSource(service.url);
  const [first, second] = [offerOf(v1!, v2!, to2!, path(v1!, v2!)), offerOf(v2!, v3!, to3!, path(v2!, v3!))];
  return {
    name: real.name,
    resolve: (...args) => real.resolve(...args),
    openDelta: (...args) => real.openDelta(...args),
    pullImage: (...args) => real.pullImage(...args),
    findDeltas: async (basis) => ({ hops: basis === v1!.digest ? [first, second] : [second] }),
    ...changes,
  };
}

const path = (from: TestImage, to: TestImage): string => `v1/delta?src=${from.digest}&dest=${to.digest}`;

function offerChain(): void {
  service.reset(v1!, v2!, v3!);
  service.addDelta(v1!, v2!, to2!);
  service.addDelta(v2!, v3!, to3!);
}

for (const inPlace of [false, true]) {
  test(`a chain is applied hop by hop ${inPlace ? "in place" : "beside"}`, async () => {
    offerChain();
    const device = new TestDevice(at);
    await device.put(v1!);
    const { result, events } = await device.update(service.url, { inPlace, source: chainSource() });
    assert.deepEqual([result!.by, result!.hopCount], ["deltas", 2]);
    assert.equal(await device.digest(), v3!.digest);
    assert.deepEqual(await device.leftovers(), []);
    const hops = events.filter((event) => event.type === "progress").map(({ hop }) => hop);
    assert.ok(hops.includes(1) && hops.includes(2));
  });

  test(`a chain that broke off at its second hop goes on there, ${inPlace ? "in place" : "beside"}`, async () => {
    offerChain();
    const device = new TestDevice(at);
    await device.put(v1!);
    const refused = { status: 401 };
    service.fail("delta", { bytes: to2! }, refused);
    const first = await device.update(service.url, { inPlace, source: chainSource() });
    assert.equal(first.error?.code, "UNAUTHORIZED");
    assert.equal(await device.digest(), inPlace ? v2!.digest : v1!.digest);
    const second = await device.update(service.url, { inPlace, source: chainSource() });
    assert.deepEqual([second.result!.by, second.result!.downloadedBytes], ["deltas", to3!.length]);
    assert.equal(await device.digest(), v3!.digest);
    assert.deepEqual(await device.leftovers(), []);
  });
}

test("offers that do not lead from here to there are no use", async () => {
  offerChain();
  const device = new TestDevice(at);
  const wrong = [
    [offerOf(v2!, v3!, to3!)],
    [offerOf(v1!, v2!, to2!)],
    [offerOf(v1!, v2!, to2!), offerOf(v1!, v3!, to3!)],
    [{ ...offerOf(v1!, v3!, to3!), deltaBytes: -1 }],
    [{ ...offerOf(v1!, v3!, to3!), deltaDigest: "sha256:../../x" }],
  ];
  for (const hops of wrong) {
    await device.put(v1!);
    const { result } = await device.update(service.url, {
      source: chainSource({ findDeltas: async () => ({ hops }) }),
    });
    assert.deepEqual([result!.by, result!.fallback!.code], ["pull", "BAD_RESPONSE"], JSON.stringify(hops));
  }
});

test("a release whose digest nobody knows is pulled once", async () => {
  service.reset(v1!, v2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  const real = serviceSource(service.url);
  const source = chainSource({
    resolve: async () => ({ identity: "registry/app@sha256:2" }),
    findDeltas: async () => ({ hops: [], reason: "nobody made one" }),
    pullImage: (release, options) => real.pullImage({ ...release, flatDigest: v2!.digest }, options),
  });
  const first = await device.update(service.url, { source });
  assert.deepEqual([first.result!.by, first.result!.fallback!.reason], ["pull", "nobody made one"]);
  assert.deepEqual(await device.leftovers(), ["app.flat.update", "app.flat.update/installed.json"]);
  assert.equal((await device.update(service.url, { source })).result!.done, "none");
  await writeFile(at("app.flat.update", "installed.json"), "{torn");
  assert.equal((await device.update(service.url, { source })).result!.by, "pull");
});

test("progress names phases, bytes, rate, time left and what is saved", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  let nowMs = 0;
  const clock = { nowMs: () => (nowMs += 50), random: () => 0, sleep: async () => {} };
  const { events } = await device.update(service.url, { inPlace: true, clock });
  const progress = events.filter((event): event is UpdateProgress => event.type === "progress");
  const phases = progress.map(({ phase }) => phase);
  assert.deepEqual(
    phases.filter((phase, i) => phase !== phases[i - 1]),
    ["check", "request", "download", "check", "apply", "verify", "done"],
  );
  const last = progress.findLast(({ phase }) => phase === "download")!;
  assert.deepEqual([last.doneBytes, last.totalBytes], [to2!.length, to2!.length]);
  assert.deepEqual([last.etaSeconds, last.savedBytes], [0, service.pullBytes - to2!.length]);
  assert.ok(last.ratePerSecond > 0);
});

test("two updates of one image do not run at once", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  let second: Promise<unknown> | undefined;
  const { result } = await device.update(service.url, {
    onEvent: () => {
      second ??= device.update(service.url).then(({ error }) => error?.code);
    },
  });
  assert.deepEqual([result!.done, await second], ["updated", "IN_USE"]);
});

test("an update that is told to stop says so, and the next one goes on", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  const device = new TestDevice(at);
  await device.put(v1!);
  const stop = new AbortController();
  const { error } = await device.update(service.url, {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === "progress" && event.phase === "download" && event.doneBytes > 0)
        stop.abort(new Error("stopped"));
    },
  });
  assert.equal(error?.message, "stopped");
  assert.equal(await device.digest(), v1!.digest);
  const { result } = await device.update(service.url);
  assert.equal(result!.by, "deltas");
  assert.ok(result!.downloadedBytes < to2!.length, "what was there already was not moved again");
});
