import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ErrorCode } from "../../src/errors.ts";
import { flattenImage, type Image, readDockerArchive } from "../../src/image/index.ts";
import { memorySource, readRange } from "../../src/io/index.ts";
import { type ReadRegistryOptions, RegistryClient, readRegistryImage } from "../../src/registry/index.ts";
import { buildLayers, buildOldDockerArchive, hexOf, LayoutBuilder } from "../image/build-image.ts";
import { instantClock } from "../support/http-server.ts";
import { type FakeOptions, startRegistry } from "./fake-registry.ts";

async function flatten(image: Image): Promise<Buffer> {
  const flat = await flattenImage(image);
  const bytes = await readRange(flat.source, 0, flat.source.size);
  await flat.close();
  await image.close();
  return Buffer.from(bytes);
}

const layers = await buildLayers();
const expected = await flatten(await readDockerArchive(memorySource(await buildOldDockerArchive(layers))));

/** A registry with `app:1`, its layers as `store` makes them. */
async function serveImage(
  context: TestContext,
  {
    store = gzipSync,
    docker = false,
    ...options
  }: FakeOptions & { store?: (layer: Uint8Array) => Uint8Array; docker?: boolean } = {},
) {
  const started = await startRegistry(context, options);
  const layout = new LayoutBuilder();
  const stored = layers.map((layer) => new Uint8Array(store(layer)));
  const root = layout.addManifest(layers, {}, { stored, docker });
  started.registry.addLayout("team/app", layout, root, "1");
  const client = new RegistryClient({ clock: instantClock(), retry: { retries: 2 } });
  const read = (name = "team/app:1", more: ReadRegistryOptions = {}) =>
    readRegistryImage(`${started.host}/${name}`, { client, ...more });
  return { ...started, layout, root, stored, read };
}

for (const docker of [false, true]) {
  for (const [name, store] of [
    ["gzip", gzipSync],
    ["plain", (layer: Uint8Array) => layer],
  ] as const) {
    test(`${docker ? "Docker's" : "an OCI"} image with ${name} layers is the image of its archive`, async (context) => {
      const { read, root, stored, host } = await serveImage(context, { store, docker });
      for (const reference of ["team/app:1", `team/app@${root.digest}`, `team/app:other@${root.digest}`]) {
        const image = await read(reference);
        assert.equal(image.manifest.digest, root.digest);
        assert.equal(image.manifest.size, root.size);
        assert.equal(image.storedBytes, stored[0]!.length + stored[1]!.length);
        assert.match(image.references[0]!, new RegExp(`^${host.replaceAll(".", "\\.")}/team/app`));
        assert.ok((await flatten(image)).equals(expected));
      }
    });
  }
}

test("layers are downloaded when they are asked for, each once", async (context) => {
  const { read, log, stored } = await serveImage(context);
  const image = await read();
  const ofLayers = () => log.filter((line) => stored.some((layer) => line.includes(hexOf(layer)))).length;
  assert.equal(ofLayers(), 0);
  for (let i = 0; i < 2; i++) for (const layer of image.layers) for await (const _ of layer.entries());
  assert.equal(ofLayers(), 2);
  await image.close();
});

test("of several platforms the wanted one is read", async (context) => {
  const { host, registry } = await startRegistry(context);
  const layout = new LayoutBuilder();
  const arm = layout.addManifest(layers, { platform: { os: "linux", architecture: "arm64" } });
  const other = layout.addManifest(layers.slice(1), { platform: { os: "linux", architecture: "s390x" } });
  const inner = layout.addIndex([arm, other]);
  registry.addLayout("app", layout, inner, "1");
  const read = (architecture: string) =>
    readRegistryImage(`${host}/app:1`, { platform: { os: "linux", architecture } });
  const image = await read("s390x");
  assert.equal(image.manifest.digest, other.digest);
  assert.equal(image.layers.length, 1);
  await image.close();
  await assert.rejects(read("386"), { code: ErrorCode.IMAGE_NOT_FOUND });
});

test("a connection that breaks within a layer goes on where it was", async (context) => {
  const ranges: (string | undefined)[] = [];
  const { read, stored } = await serveImage(context, {
    intercept: (request, response) => {
      if (!request.url!.endsWith(hexOf(stored[0]!))) return false;
      ranges.push(request.headers.range);
      if (ranges.length > 1) return false;
      response.writeHead(200, { "content-length": stored[0]!.length });
      response.write(stored[0]!.subarray(0, 50), () => response.destroy());
      return true;
    },
  });
  assert.ok((await flatten(await read())).equals(expected));
  assert.deepEqual(ranges, [undefined, "bytes=50-"]);
});

for (const what of ["manifest", "config", "layer"] as const) {
  test(`a damaged ${what} is DIGEST_MISMATCH`, async (context) => {
    const { read, registry, root, stored, layout } = await serveImage(context);
    const manifest = registry.manifests.get(`team/app@${root.digest}`)!;
    const { config } = JSON.parse(Buffer.from(manifest.bytes).toString()) as { config: { digest: string } };
    const damage = (bytes: Uint8Array) => {
      const damaged = bytes.slice();
      damaged[damaged.length - 20]! ^= 1;
      return damaged;
    };
    if (what === "manifest") manifest.bytes = damage(manifest.bytes);
    else {
      const digest = what === "config" ? config.digest : `sha256:${hexOf(stored[1]!)}`;
      registry.blobs.set(`team/app@${digest}`, damage(layout.files.get(`blobs/sha256/${digest.slice(7)}`)!));
    }
    await assert.rejects(async () => flatten(await read(`team/app@${root.digest}`)), {
      code: ErrorCode.DIGEST_MISMATCH,
    });
  });
}

test("a registry that tells another digest than it sends is found out, also by tag", async (context) => {
  const { read } = await serveImage(context, {
    intercept: (request, response) => {
      if (request.url!.includes("/manifests/"))
        response.setHeader("docker-content-digest", `sha256:${"0".repeat(64)}`);
      if (!request.url!.includes("/manifests/")) return false;
      response.end('{"schemaVersion":2}');
      return true;
    },
  });
  await assert.rejects(read(), { code: ErrorCode.DIGEST_MISMATCH });
});

test("a layer that is longer or shorter than its manifest says is refused", async (context) => {
  for (const change of [1, -1]) {
    const { read, registry, stored } = await serveImage(context);
    const digest = `sha256:${hexOf(stored[0]!)}`;
    const other = Buffer.concat([stored[0]!, Buffer.of(0)]).subarray(0, stored[0]!.length + change);
    registry.blobs.set(`team/app@${digest}`, other);
    await assert.rejects(async () => flatten(await read()), { code: ErrorCode.BAD_RESPONSE });
  }
});

test("what is not there is NOT_FOUND; a document over the limit is SIZE_LIMIT", async (context) => {
  const { read, host } = await serveImage(context);
  await assert.rejects(read("team/app:2"), { code: ErrorCode.NOT_FOUND, message: /MANIFEST_UNKNOWN/ });
  await assert.rejects(read("team/none:1"), { code: ErrorCode.NOT_FOUND });
  for (const limits of [{ jsonBytes: 100 }, { decompressedBytes: 100 }])
    await assert.rejects(read("team/app:1", { limits }), { code: ErrorCode.SIZE_LIMIT });
  await assert.rejects(readRegistryImage(`${host}/UPPER`), RangeError);
});

test("an abort ends the reading of an image and of its layers", async (context) => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const { read } = await serveImage(context, {
    intercept: (request) => {
      if (!request.url!.includes("/blobs/")) return false;
      controller.abort(reason);
      return true;
    },
  });
  await assert.rejects(read("team/app:1", { signal: controller.signal }), reason);
});
