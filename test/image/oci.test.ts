import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type ReadOciOptions, readOciArchive } from "../../src/image/oci.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import type { Image } from "../../src/image/types.ts";
import { memoryScratch, memorySource, type ScratchSpace } from "../../src/io/index.ts";
import { buildLayers, buildTar, hexOf, json, LayoutBuilder, named } from "./build-image.ts";
import { EXPECTED_LAYERS, readAll } from "./read-all.ts";
import { ZSTD_LAYER, ZSTD_TWO_FRAMES } from "./zstd-fixture.ts";

const read = async (layout: LayoutBuilder, options?: ReadOciOptions): Promise<Image> =>
  readOciArchive(memorySource(await layout.tar()), options);
const on = (platform: string): object => {
  const [os, architecture, variant] = platform.split("/");
  return { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
};
const layerNamed = (name: string): Promise<Uint8Array> => buildTar([[name, name]]);

/** The name of the only file of the image that the options choose. */
async function chosen(layout: LayoutBuilder, options?: ReadOciOptions): Promise<string> {
  const [entries] = await readAll(await read(layout, options));
  return entries![0]!.split(" ")[1]!;
}

for (const docker of [false, true]) {
  for (const compress of [false, true]) {
    test(`${docker ? "Docker's" : "OCI"} media types, ${compress ? "gzip" : "plain"} layers`, async () => {
      const layers = await buildLayers();
      const stored = compress ? layers.map((layer) => new Uint8Array(gzipSync(layer))) : layers;
      const layout = new LayoutBuilder();
      layout.finish([layout.addManifest(layers, named("v1"), { stored, docker })]);
      const image = await read(layout);
      assert.deepEqual(image.references, ["v1"]);
      assert.deepEqual(await readAll(image), EXPECTED_LAYERS);
    });
  }
}

for (const [what, stored] of [
  ["one frame", ZSTD_LAYER.bytes],
  ["several frames", ZSTD_TWO_FRAMES],
] as const) {
  test(`a zstd layer of ${what}, whatever its media type says`, async () => {
    const layout = new LayoutBuilder();
    const config = layout.add(
      json({ rootfs: { type: "layers", diff_ids: [ZSTD_LAYER.contentDigest] } }),
      "application/vnd.oci.image.config.v1+json",
    );
    for (const type of ["tar+zstd", "tar+gzip", "tar"]) {
      const layer = layout.add(stored, `application/vnd.oci.image.layer.v1.${type}`);
      const manifest = layout.add(
        json({ schemaVersion: 2, config, layers: [layer] }),
        "application/vnd.oci.image.manifest.v1+json",
      );
      layout.finish([manifest]);
      const [entries] = await readAll(await read(layout));
      assert.equal(entries![0], "directory etc");
      assert.ok(entries![1]!.startsWith("file etc/motd hello from a zstd layer"));
    }
  });
}

test("platforms are found through nested indexes, attestations passed over", async () => {
  const layout = new LayoutBuilder();
  const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "windows/amd64"];
  const manifests: object[] = [layout.addManifest([await layerNamed("attestation")], on("unknown/unknown"))];
  for (const platform of platforms) {
    manifests.push(layout.addManifest([await layerNamed(platform)], on(platform)));
  }
  layout.finish([layout.addIndex([layout.addIndex(manifests)], named("multi"))]);
  for (const platform of [...platforms, "linux/arm/v8"]) {
    const expected = platform === "linux/arm/v8" ? "linux/arm/v7" : platform;
    assert.equal(await chosen(layout, { platform: parsePlatform(platform) }), expected);
  }
  assert.equal(await chosen(layout, { platform: parsePlatform("linux/arm") }), "linux/arm/v7");
  await assert.rejects(read(layout, { platform: parsePlatform("linux/arm/v5") }), {
    code: "IMAGE_NOT_FOUND",
    message: /linux\/amd64, linux\/arm64, linux\/arm\/v6, linux\/arm\/v7, windows\/amd64/,
  });
});

test("manifests without a platform are told apart by their configs", async () => {
  const layout = new LayoutBuilder();
  const manifests: object[] = [];
  for (const architecture of ["amd64", "riscv64"]) {
    manifests.push(layout.addManifest([await layerNamed(architecture)], {}, { config: { architecture } }));
  }
  layout.finish(manifests);
  assert.equal(await chosen(layout, { platform: parsePlatform("linux/riscv64") }), "riscv64");
});

test("an only image is taken whatever its platform", async () => {
  const layout = new LayoutBuilder();
  const image = layout.addManifest([await layerNamed("only")], on("plan9/mips"));
  const attestation = layout.addManifest([await layerNamed("no")], {
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  });
  layout.finish([layout.addIndex([image, attestation])]);
  assert.equal(await chosen(layout, { platform: parsePlatform("linux/amd64") }), "only");
});

test("of several images one is chosen by reference or index", async () => {
  const layout = new LayoutBuilder();
  layout.finish([
    layout.addManifest([await layerNamed("one")], named("v1")),
    layout.addManifest([await layerNamed("two")], named("repo/app:v2")),
  ]);
  assert.equal(await chosen(layout, { reference: "v1" }), "one");
  assert.equal(await chosen(layout, { reference: "repo/app:v2" }), "two");
  assert.equal(await chosen(layout, { reference: "@1" }), "two");
  for (const reference of [undefined, "v3", "@2"]) {
    await assert.rejects(read(layout, { reference }), {
      code: "IMAGE_NOT_FOUND",
      message: /@0 v1, @1 repo\/app:v2/,
    });
  }
  await assert.rejects(read(new LayoutBuilder().finish([])), { code: "IMAGE_NOT_FOUND" });
});

test("names that are no text or would play tricks on a terminal are only shown harmlessly", async () => {
  const layout = new LayoutBuilder();
  const annotations = { "org.opencontainers.image.ref.name": { toString: 1 } };
  layout.finish([
    layout.addManifest([await layerNamed("one")], { annotations }),
    layout.addManifest([await layerNamed("two")], named("\u001b[2Jv2")),
  ]);
  await assert.rejects(read(layout), {
    code: "IMAGE_NOT_FOUND",
    message: /@0 sha256:[0-9a-f]+, @1 \?\[2Jv2/,
  });
});

test("one name over several manifests means the platforms of one image", async () => {
  const layout = new LayoutBuilder();
  layout.finish([
    layout.addManifest([await layerNamed("arm64")], { ...named("v1"), ...on("linux/arm64") }),
    layout.addManifest([await layerNamed("s390x")], { ...named("v1"), ...on("linux/s390x") }),
  ]);
  assert.equal(await chosen(layout, { platform: parsePlatform("linux/s390x") }), "s390x");
});

/** A layout of one gzip layer and one plain one, and its file names. */
async function buildMixed(): Promise<{ layout: LayoutBuilder; stored: Uint8Array[] }> {
  const layers = await buildLayers();
  const stored = [new Uint8Array(gzipSync(layers[0]!)), layers[1]!];
  const layout = new LayoutBuilder();
  layout.finish([layout.addManifest(layers, named("v1"), { stored })]);
  return { layout, stored };
}

test("every blob's size and digest is proven", async () => {
  const { layout } = await buildMixed();
  const names = [...layout.files.keys()].filter((name) => name.startsWith("blobs/"));
  assert.equal(names.length, 4);
  for (const name of names) {
    const right = layout.files.get(name)!;
    const longer = new Uint8Array(right.length + 1);
    longer.set(right);
    const wrong = right.slice();
    wrong[right.length >> 1]! ^= 1;
    for (const bytes of [longer, wrong]) {
      layout.files.set(name, bytes);
      await assert.rejects(async () => readAll(await read(layout)), {
        name: "ImageError",
        code: /^(DIGEST_MISMATCH|BAD_COMPRESSION|BAD_TAR_HEADER)$/,
      });
    }
    layout.files.delete(name);
    await assert.rejects(read(layout), { code: "MISSING_BLOB", path: name });
    layout.files.set(name, right);
  }
  assert.deepEqual(await readAll(await read(layout)), EXPECTED_LAYERS);
});

test("a gzip blob that decompresses rightly but has another digest is refused", async () => {
  const { layout, stored } = await buildMixed();
  const name = `blobs/sha256/${hexOf(stored[0]!)}`;
  const changed = stored[0]!.slice();
  changed[9]! ^= 1; // The operating system in the gzip header: no decoder looks at it.
  layout.files.set(name, changed);
  await assert.rejects(async () => readAll(await read(layout)), { code: "DIGEST_MISMATCH", path: name });
});

test("a plain blob must be named by its diffID", async () => {
  const [first, second] = await buildLayers();
  const layout = new LayoutBuilder();
  layout.finish([layout.addManifest([first!], {}, { stored: [second!] })]);
  await assert.rejects(async () => readAll(await read(layout)), { code: "DIGEST_MISMATCH" });
});

for (const type of [
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
]) {
  test(`a missing layer of type ${type}`, async () => {
    const layout = new LayoutBuilder();
    const digest = `sha256:${"0".repeat(64)}`;
    const config = layout.add(
      json({ rootfs: { type: "layers", diff_ids: [digest] } }),
      "application/vnd.oci.image.config.v1+json",
    );
    const layers = [{ mediaType: type, digest, size: 5, urls: ["https://example.com/layer"] }];
    layout.finish([layout.add(json({ config, layers }), "application/vnd.oci.image.manifest.v1+json")]);
    await assert.rejects(read(layout), { code: "MISSING_BLOB", message: /may not be distributed/ });
  });
}

test("what is no container image is refused by name", async () => {
  const layout = new LayoutBuilder();
  const config = layout.add(json({}), "application/vnd.cncf.helm.config.v1+json");
  layout.finish([layout.add(json({ config, layers: [] }), "application/vnd.oci.image.manifest.v1+json")]);
  await assert.rejects(read(layout), { code: "UNSUPPORTED_FEATURE", message: /helm/ });
  layout.finish([layout.add(json({}), "application/vnd.docker.distribution.manifest.v1+prettyjws")]);
  await assert.rejects(read(layout), { code: "UNSUPPORTED_FEATURE", message: /prettyjws/ });
  const encrypted = layout.add(json({}), "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
  const image = layout.add(json({ rootfs: {} }), "application/vnd.oci.image.config.v1+json");
  const manifest = json({ config: image, layers: [encrypted] });
  layout.finish([layout.add(manifest, "application/vnd.oci.image.manifest.v1+json")]);
  await assert.rejects(read(layout), { code: "UNSUPPORTED_FEATURE", message: /encrypted/ });
  layout.files.set("oci-layout", json({ imageLayoutVersion: "2.0.0" }));
  await assert.rejects(read(layout), { code: "UNSUPPORTED_VERSION" });
});

test("digests that would lead out of the layout are refused", async () => {
  const layout = new LayoutBuilder();
  const type = "application/vnd.oci.image.manifest.v1+json";
  layout.finish([{ mediaType: type, digest: "sha256:../../../../etc/passwd", size: 10 }]);
  await assert.rejects(read(layout), { code: "BAD_MANIFEST" });
  layout.finish([{ mediaType: type, digest: `sha256:${"0".repeat(64)}`, size: -1 }]);
  await assert.rejects(read(layout), { code: "BAD_MANIFEST" });
});

test("limits: depth of indexes, manifests, layers, JSON, decompressed bytes", async () => {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const stored = layers.map((layer) => new Uint8Array(gzipSync(layer)));
  let inner = layout.addManifest(layers, {}, { stored });
  for (let depth = 0; depth < 3; depth++) inner = layout.addIndex([inner]);
  layout.finish([inner]);
  assert.deepEqual(await readAll(await read(layout)), EXPECTED_LAYERS);
  await assert.rejects(read(layout, { limits: { indexDepth: 3 } }), { code: "COUNT_LIMIT" });
  await assert.rejects(read(layout, { limits: { manifests: 3 } }), { code: "COUNT_LIMIT" });
  await assert.rejects(read(layout, { limits: { layers: 1 } }), { code: "COUNT_LIMIT" });
  await assert.rejects(read(layout, { limits: { jsonBytes: 200 } }), { code: "SIZE_LIMIT" });
  await assert.rejects(async () => readAll(await read(layout, { limits: { decompressedBytes: 1000 } })), {
    code: "SIZE_LIMIT",
  });
});

test("a layer is decompressed once however often it is read, and its space given back", async () => {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const stored = layers.map((layer) => new Uint8Array(gzipSync(layer)));
  layout.finish([layout.addManifest(layers, {}, { stored })]);
  let made = 0;
  const released = new Set<object>();
  const scratch: ScratchSpace = async () => {
    const file = await memoryScratch();
    made++;
    return {
      ...file,
      release: async () => {
        released.add(file);
        await file.release();
      },
    };
  };
  const image = await read(layout, { scratch });
  for (let pass = 0; pass < 2; pass++) {
    for (const layer of image.layers) for await (const entry of layer.entries()) assert.ok(entry.path !== "");
  }
  assert.equal(made, 2);
  await image.close();
  assert.equal(released.size, 2);
});

test("reading entries stops when it is aborted", async () => {
  const { layout } = await buildMixed();
  const image = await read(layout);
  const reason = new Error("enough");
  await assert.rejects(async () => {
    for await (const _ of image.layers[0]!.entries({ signal: AbortSignal.abort(reason) }));
  }, reason);
  await image.close();
});

test("an image that is closed gives no more compressed layers", async () => {
  const { layout } = await buildMixed();
  const image = await read(layout);
  await image.close();
  await assert.rejects(async () => {
    for await (const _ of image.layers[0]!.entries());
  }, /closed/);
});
