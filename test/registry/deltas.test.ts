import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { type FlatImage, flattenImage, readDockerArchive } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import {
  DELTA_ANNOTATIONS,
  findDeltas,
  openDelta,
  publishDelta,
  pushDelta,
  RegistryClient,
} from "../../src/registry/index.ts";
import { buildLayers, buildOldDockerArchive, hexOf, json, LayoutBuilder } from "../image/build-image.ts";
import { instantClock } from "../support/http-server.ts";
import { type FakeOptions, startRegistry } from "./fake-registry.ts";

const layers = await buildLayers();
const flattenLayers = async (from: readonly Uint8Array[]): Promise<FlatImage> =>
  flattenImage(await readDockerArchive(memorySource(await buildOldDockerArchive([...from]))));
const basis = await flattenLayers(layers.slice(0, 1));
const target = await flattenLayers(layers);
const bytesOf = (flat: FlatImage) => readRange(flat.source, 0, flat.source.size);

/** A registry with the target image as `team/app:2`; `API` with referrers on pages of one, `TAGS` without. */
async function serve(context: TestContext, options: FakeOptions = {}, clock = instantClock()) {
  const started = await startRegistry(context, options);
  const layout = new LayoutBuilder();
  const image = layout.addManifest(layers, { platform: { os: "linux", architecture: "amd64" } });
  const other = layout.addManifest(layers.slice(0, 1), { platform: { os: "linux", architecture: "s390x" } });
  started.registry.addLayout("team/app", layout, layout.addIndex([image, other]), "2");
  const client = new RegistryClient({ clock, retry: { retries: 1 } });
  const repository = { host: started.host, repository: "team/app" };
  const to = `${started.host}/team/app:2`;
  const platform = { os: "linux", architecture: "amd64" };
  const find = () => findDeltas(to, { client, platform });
  return { ...started, client, image, repository, to, find };
}

/** Different deltas between the same images. */
async function makeDeltas(count: number): Promise<Uint8Array[]> {
  const deltas: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const sink = memorySink();
    await createDelta(basis, target, sink, { metadata: { number: String(i) } });
    deltas.push(sink.bytes());
  }
  return deltas;
}

for (const [name, options] of [
  ["by the referrers API", { referrersPageSize: 1 }],
  ["by the tag where there is no API", {}],
] as const) {
  test(`a published delta is found ${name}, and makes the target`, async (context) => {
    const { client, image, to, find, registry } = await serve(context, options);
    assert.deepEqual((await find()).deltas, []);
    const digest = `sha256:${"5".repeat(64)}`;
    const {
      stats,
      target: subject,
      ...published
    } = await publishDelta({
      old: basis,
      new: target,
      to,
      client,
      oldManifestDigest: digest,
    });
    const again = await publishDelta({ old: basis, new: target, to, client, codec: "none" });
    const found = await find();
    assert.equal(found.manifest.digest, image.digest);
    assert.deepEqual(subject, { manifest: found.manifest, storedBytes: found.storedBytes });
    assert.deepEqual(found.deltas.length, 2);
    assert.deepEqual(found.deltas[0], published);
    assert.equal(found.deltas[1]!.deltaDigest, again.deltaDigest);
    assert.deepEqual(
      { ...published, manifest: undefined, deltaDigest: undefined, repository: undefined },
      {
        basisFlatDigest: `sha256:${hexOf(await bytesOf(basis))}`,
        basisFlatBytes: basis.source.size,
        basisManifestDigest: digest,
        targetFlatDigest: `sha256:${hexOf(await bytesOf(target))}`,
        targetFlatBytes: target.source.size,
        deltaBytes: stats.deltaBytes,
        manifest: undefined,
        deltaDigest: undefined,
        repository: undefined,
      },
    );
    const sink = memorySink();
    await applyDelta(basis.source, await openDelta(client, found.deltas[0]!), sink);
    assert.deepEqual(sink.bytes(), await bytesOf(target));
    const tag = registry.manifests.has(`team/app:${image.digest.replace(":", "-")}`);
    assert.equal(tag, !("referrersPageSize" in options));
  });
}

test("writers that publish at the same time lose nothing, without a referrers API too", async (context) => {
  // A clock that waits: who wrote looks again a while later.
  const { setTimeout: sleep } = await import("node:timers/promises");
  const clock = { random: Math.random, sleep: async (delayMs: number) => void (await sleep(delayMs / 4)) };
  const { client, image, repository, find } = await serve(
    context,
    {},
    clock as ReturnType<typeof instantClock>,
  );
  const deltas = await makeDeltas(5);
  await Promise.all(deltas.map((delta) => pushDelta(client, repository, memorySource(delta), image)));
  const found = (await find()).deltas.map(({ deltaDigest }) => deltaDigest);
  assert.deepEqual(found.sort(), deltas.map((delta) => `sha256:${hexOf(delta)}`).sort());
});

test("a list that loses what was added again and again is an error", async (context) => {
  const { client, image, repository, registry } = await serve(context, {
    intercept: (request) => {
      if (request.method === "GET") registry.manifests.delete(`team/app:${image.digest.replace(":", "-")}`);
      return false;
    },
  });
  const [delta] = await makeDeltas(1);
  await assert.rejects(pushDelta(client, repository, memorySource(delta!), image), {
    code: ErrorCode.BAD_RESPONSE,
  });
});

test("a delta that was downloaded in part goes on from there, and is proven as a whole", async (context) => {
  const { client, image, repository } = await serve(context);
  const [delta] = await makeDeltas(1);
  const published = await pushDelta(client, repository, memorySource(delta!), image);
  const collect = async (options: Parameters<typeof openDelta>[2]) => {
    const parts: Uint8Array[] = [];
    for await (const piece of await openDelta(client, published, options)) parts.push(piece.slice());
    return new Uint8Array(Buffer.concat(parts));
  };
  for (const length of [0, 1, 50, delta!.length]) {
    const existing = memorySource(delta!.subarray(0, length));
    assert.deepEqual(await collect({ existing }), delta!.slice(length));
    assert.deepEqual(await collect({ offset: length }), delta!.slice(length));
  }
  const wrong = delta!.slice(0, 50);
  wrong[7]! ^= 1;
  const mismatch = { code: ErrorCode.DIGEST_MISMATCH };
  await assert.rejects(collect({ existing: memorySource(wrong) }), mismatch);
  await assert.rejects(collect({ existing: memorySource(new Uint8Array(delta!.length + 1)) }), mismatch);
});

test("a delta is published for the very image in the registry only", async (context) => {
  const { client, to, log } = await serve(context);
  const config = json({ ...JSON.parse(Buffer.from(target.config).toString()), created: "now" });
  const relabelled = Object.assign(Object.create(target) as FlatImage, { config });
  await assert.rejects(publishDelta({ old: basis, new: relabelled, to, client }), {
    code: ErrorCode.TARGET_MISMATCH,
  });
  const layerReads = () =>
    log.filter((line) => layers.some((layer) => line.startsWith(`GET`) && line.includes(hexOf(layer))));
  const newDiffIds = layers.map((layer) => `sha256:${hexOf(layer)}`);
  await publishDelta({ old: basis, new: target, to, client, newDiffIds });
  assert.deepEqual(layerReads(), [], "the same layers need no pull");
  await assert.rejects(publishDelta({ old: target, new: basis, to, client }), {
    code: ErrorCode.TARGET_MISMATCH,
  });
  const missing = to.replace(":2", ":3");
  await assert.rejects(publishDelta({ old: basis, new: target, to: missing, client }), {
    code: ErrorCode.NOT_FOUND,
  });
});

test("what others attach, and annotations that make no sense, are left out", async (context) => {
  const { client, image, repository, registry, find } = await serve(context, { referrersPageSize: 2 });
  const [delta] = await makeDeltas(1);
  const published = await pushDelta(client, repository, memorySource(delta!), image);
  const original = JSON.parse(
    Buffer.from(registry.manifests.get(`team/app@${published.manifest.digest}`)!.bytes).toString(),
  ) as { annotations: Record<string, string>; artifactType: string };
  const { basisFlatDigest, deltaBytes } = DELTA_ANNOTATIONS;
  for (const change of [
    { artifactType: "application/vnd.example.sbom" },
    { annotations: {} },
    { annotations: { ...original.annotations, [basisFlatDigest]: "sha256:no" } },
    { annotations: { ...original.annotations, [deltaBytes]: "-1" } },
    { annotations: { ...original.annotations, [deltaBytes]: "9999999999999999" } },
  ]) {
    registry.addManifest(
      "team/app",
      json({ ...original, ...change }),
      "application/vnd.oci.image.manifest.v1+json",
    );
  }
  assert.deepEqual((await find()).deltas, [published]);
  const lying = { ...published, deltaDigest: `sha256:${"0".repeat(64)}` };
  await assert.rejects(openDelta(client, lying), { code: ErrorCode.BAD_MANIFEST });
  await assert.rejects(openDelta(client, { ...published, manifest: image }), {
    code: ErrorCode.BAD_MANIFEST,
  });
});

test("a list of referrers that never ends, or leads elsewhere, is refused", async (context) => {
  const pages = (link: string): FakeOptions => ({
    intercept: (request, response) => {
      if (!request.url!.includes("/referrers/")) return false;
      response.setHeader("link", `<${link}>; rel="next"`);
      response.end('{"manifests":[]}');
      return true;
    },
  });
  const endless = await serve(context, pages("?page=1"));
  await assert.rejects(endless.find(), { code: ErrorCode.COUNT_LIMIT });
  const elsewhere = await serve(context, pages("http://169.254.169.254/"));
  await assert.rejects(elsewhere.find(), { code: ErrorCode.BAD_RESPONSE });
});
