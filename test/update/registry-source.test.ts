/** Updates from a registry alone, and chains of deltas. */
import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import fc from "fast-check";
import { memorySource } from "../../src/io/index.ts";
import { pushDelta, RegistryClient } from "../../src/registry/index.ts";
import { findChain, type ListedDelta } from "../../src/update/chain.ts";
import { registrySource } from "../../src/update/index.ts";
import { useFolder } from "../cli/harness.ts";
import { type Descriptor, LayoutBuilder } from "../image/build-image.ts";
import { startRegistry } from "../registry/fake-registry.ts";
import { TestDevice } from "./device.ts";
import { makeImage, makeTestDelta, type TestImage } from "./images.ts";

const at = useFolder();
const platform = { os: "linux", architecture: "amd64" };
let images: TestImage[] = [];
let [to2, to3]: Uint8Array[] = [];

before(async () => {
  images = [await makeImage(1), await makeImage(2), await makeImage(3)];
  to2 = await makeTestDelta(images[0]!, images[1]!);
  to3 = await makeTestDelta(images[1]!, images[2]!);
});

/** A registry with three versions and the deltas from each to the next; `count` tells what goes wrong first. */
async function serve(
  context: TestContext,
  intercept?: NonNullable<Parameters<typeof startRegistry>[1]>["intercept"],
) {
  const started = await startRegistry(context, { referrersPageSize: 10, ...(intercept && { intercept }) });
  const { registry, host } = started;
  const manifests: Descriptor[] = [];
  for (const [i, image] of images.entries()) {
    const layout = new LayoutBuilder();
    const manifest = layout.addManifest(image.layers);
    registry.addLayout("app", layout, manifest, String(i + 1));
    manifests.push(manifest);
  }
  const push = (delta: Uint8Array, from: number, to: number) =>
    pushDelta(new RegistryClient(), { host, repository: "app" }, memorySource(delta), manifests[to]!, {
      basisManifestDigest: manifests[from]!.digest,
    });
  await push(to2!, 0, 1);
  await push(to3!, 1, 2);
  return {
    ...started,
    manifests,
    push,
    wanted: `docker://${host}/app:3`,
    source: registrySource({ platform }),
  };
}

for (const [have, hops] of [
  [1, 1],
  [0, 2],
] as const) {
  test(`a device ${hops} releases behind updates by ${hops} deltas of a registry`, async (context) => {
    const { host, manifests, wanted, source } = await serve(context);
    const device = new TestDevice(at);
    await device.put(images[have]!);
    const { result, error } = await device.update("", { wanted, source, inPlace: true });
    assert.equal(error, undefined);
    assert.deepEqual([result!.by, result!.hopCount, result!.digest], ["deltas", hops, images[2]!.digest]);
    assert.equal(result!.release.identity, `${host}/app@${manifests[2]!.digest}`);
    assert.equal(await device.digest(), images[2]!.digest);
    assert.equal((await device.update("", { wanted, source })).result!.done, "none");
  });
}

test("a device with no image pulls it from the registry, and a device that has none of the bases too", async (context) => {
  const { wanted, source } = await serve(context);
  const device = new TestDevice(at);
  const first = await device.update("", { wanted, source });
  assert.deepEqual([first.result!.by, first.result!.fallback!.code], ["pull", "NO_BASIS"]);
  assert.ok(first.result!.downloadedBytes >= images[2]!.layers[0]!.length);
  assert.equal(await device.digest(), images[2]!.digest);
  await device.put(await makeImage(9));
  const second = await device.update("", { wanted, source });
  assert.deepEqual([second.result!.by, second.result!.fallback!.code], ["pull", "NO_DELTA"]);
  assert.match(second.log, /no deltas in the registry lead from/);
});

test("deltas that contradict each other on what an image is are of no use", async (context) => {
  const { wanted, source, push } = await serve(context);
  await push(to2!, 0, 2);
  const device = new TestDevice(at);
  await device.put(images[0]!);
  const { result, log } = await device.update("", { wanted, source });
  assert.deepEqual([result!.by, await device.digest()], ["pull", images[2]!.digest], log);
  assert.match(log, /contradict each other/);
});

const delta = (from: string, to: string, deltaBytes: number): ListedDelta => ({
  basisFlatDigest: from,
  basisManifestDigest: `manifest of ${from}`,
  targetFlatDigest: to,
  deltaBytes,
});

const deltasTo = (target: string, deltas: readonly ListedDelta[]): readonly ListedDelta[] =>
  deltas.filter(({ targetFlatDigest }) => targetFlatDigest === target);

/** Find a chain to "z" in a list of deltas. */
function chainTo(
  deltas: readonly ListedDelta[],
  from: string,
  limits: { maxHops?: number; maxBytes?: number } = {},
) {
  const lists: string[] = [];
  const hops = findChain({
    basisDigest: from,
    maxHops: limits.maxHops ?? 4,
    maxBytes: limits.maxBytes ?? 1000,
    direct: deltasTo("z", deltas),
    list: async (manifest) => {
      lists.push(manifest);
      return deltasTo(manifest.replace("manifest of ", ""), deltas);
    },
  });
  return hops.then((found) => ({
    path: found.map(({ basisFlatDigest }) => basisFlatDigest).join(""),
    lists,
  }));
}

test("the chain with the fewest bytes is found, within its limits", async () => {
  const deltas = [delta("a", "b", 10), delta("b", "z", 10), delta("a", "z", 50), delta("b", "a", 1)];
  assert.equal((await chainTo(deltas, "a")).path, "ab");
  assert.equal((await chainTo([...deltas, delta("a", "z", 15)], "a")).path, "a");
  assert.equal((await chainTo(deltas, "a", { maxHops: 1 })).path, "a");
  assert.equal((await chainTo(deltas, "a", { maxBytes: 20 })).path, "");
  assert.equal((await chainTo(deltas, "q")).path, "");
  const { basisManifestDigest: _, ...unnamed } = delta("b", "z", 1);
  assert.equal((await chainTo([unnamed, delta("a", "b", 1)], "a")).path, "");
});

test("a registry with very many deltas is not asked for ever", async () => {
  const deltas = Array.from({ length: 500 }, (_, i) => delta(`x${i}`, i === 0 ? "z" : `x${i - 1}`, 1));
  const { path, lists } = await chainTo(deltas, "nothing", { maxHops: 1000 });
  assert.deepEqual([path, lists.length], ["", 32]);
});

test("no other chain has fewer bytes", async () => {
  const node = fc.constantFrom("a", "b", "c", "d", "z");
  const edge = fc.tuple(node, node, fc.integer({ min: 1, max: 50 }));
  await fc.assert(
    fc.asyncProperty(fc.array(edge, { maxLength: 14 }), async (edges) => {
      const deltas = edges.map(([from, to, bytes]) => delta(from, to, bytes));
      const best = new Map([["z", 0]]);
      for (let round = 0; round < 5; round++)
        for (const [from, to, bytes] of edges)
          best.set(from, Math.min(best.get(from) ?? Infinity, (best.get(to) ?? Infinity) + bytes));
      const found = await findChain({
        basisDigest: "a",
        maxHops: 5,
        maxBytes: Infinity,
        direct: deltasTo("z", deltas),
        list: async (manifest) => deltasTo(manifest.replace("manifest of ", ""), deltas),
      });
      const bytes = found.reduce((sum, { deltaBytes }) => sum + deltaBytes, 0);
      assert.equal(found.length === 0 ? Infinity : bytes, best.get("a") ?? Infinity);
    }),
  );
});
