import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type ReadDockerOptions, readDockerArchive } from "../../src/image/docker.ts";
import { readOciArchive } from "../../src/image/oci.ts";
import type { Image } from "../../src/image/types.ts";
import { memorySource } from "../../src/io/index.ts";
import {
  buildConfig,
  buildLayers,
  buildNewDockerArchive,
  buildOldDockerArchive,
  buildTar,
  hexOf,
  json,
  type TarMember,
} from "./build-image.ts";
import { EXPECTED_LAYERS, readAll } from "./read-all.ts";

const read = (archive: Uint8Array, options?: ReadDockerOptions): Promise<Image> =>
  readDockerArchive(memorySource(archive), options);

/** An archive with one image for each list of tags; image N has N + 1 times the first layer. */
async function buildArchiveOfTags(...images: readonly (readonly string[] | null)[]): Promise<Uint8Array> {
  const layer = (await buildLayers())[0]!;
  const members: TarMember[] = [["layer.tar", layer]];
  const manifest = images.map((tags, i) => {
    const config = buildConfig(Array(i + 1).fill(layer));
    members.push([`${hexOf(config)}.json`, config]);
    return { Config: `${hexOf(config)}.json`, RepoTags: tags, Layers: Array(i + 1).fill("layer.tar") };
  });
  return buildTar([...members, ["manifest.json", json(manifest)]]);
}

for (const linkType of ["symlink", "link"] as const) {
  test(`the old form, layers shared by ${linkType}s`, async () => {
    const image = await read(await buildOldDockerArchive(await buildLayers(), { linkType }));
    assert.deepEqual(image.references, ["app:1"]);
    assert.deepEqual(image.config, buildConfig(await buildLayers()));
    assert.deepEqual(await readAll(image), EXPECTED_LAYERS);
  });
}

for (const gzip of [false, true]) {
  test(`the form of Docker 25 and later, ${gzip ? "compressed" : "plain"} layers, as docker-archive and as OCI archive`, async () => {
    const archive = await buildNewDockerArchive(await buildLayers(), gzip);
    assert.deepEqual(await readAll(await read(archive)), EXPECTED_LAYERS);
    const image = await readOciArchive(memorySource(archive), { reference: "app:1" });
    assert.deepEqual(image.references, ["docker.io/library/app:1"]);
    assert.deepEqual(await readAll(image), EXPECTED_LAYERS);
  });
}

test("a whole archive compressed by gzip", async () => {
  const archive = gzipSync(await buildOldDockerArchive(await buildLayers()));
  assert.deepEqual(await readAll(await read(archive)), EXPECTED_LAYERS);
});

test("one of several images is chosen by tag or index", async () => {
  const archive = await buildArchiveOfTags(["app:1", "me/app:latest"], ["docker.io/library/app:2"], null);
  for (const [reference, layers] of [
    ["app:1", 1],
    ["docker.io/me/app", 1],
    ["app:2", 2],
    ["library/app:2", 2],
    ["@0", 1],
    ["@2", 3],
  ] as const) {
    const image = await read(archive, { reference });
    assert.equal(image.layers.length, layers, reference);
    await image.close();
  }
});

test("an unknown or missing reference lists what there is", async () => {
  const archive = await buildArchiveOfTags(["app:1"], ["app:2", "app:two"], null);
  for (const reference of [undefined, "app:3", "app", "@3"]) {
    await assert.rejects(read(archive, { reference }), {
      code: "IMAGE_NOT_FOUND",
      message: /@0 app:1, @1 app:2 app:two, @2/,
    });
  }
  const twice = await buildArchiveOfTags(["app:1"], ["app:1"]);
  await assert.rejects(read(twice, { reference: "app:1" }), { code: "IMAGE_NOT_FOUND", message: /several/ });
  await assert.rejects(read(await buildTar([["manifest.json", "[]"]])), { code: "IMAGE_NOT_FOUND" });
});

test("a config whose name is another digest is refused", async () => {
  const config = buildConfig([]);
  const name = `${hexOf(config).replace(/^./, (digit) => (digit === "0" ? "1" : "0"))}.json`;
  const manifest = json([{ Config: name, RepoTags: null, Layers: [] }]);
  await assert.rejects(
    read(
      await buildTar([
        ["manifest.json", manifest],
        [name, config],
      ]),
    ),
    {
      code: "DIGEST_MISMATCH",
      path: name,
    },
  );
});

test("layers whose bytes are not those of the config are refused", async () => {
  const [first, second] = await buildLayers();
  const archive = async (
    layers: readonly Uint8Array[],
    path: string,
    blob: Uint8Array,
  ): Promise<Uint8Array> =>
    buildTar([
      ["config", buildConfig(layers)],
      [path, blob],
      ["manifest.json", json([{ Config: "config", Layers: [path] }])],
    ]);
  await assert.rejects(readAll(await read(await archive([first!], "a.tar", second!))), {
    code: "DIGEST_MISMATCH",
  });
  // A compressed blob that is named by a digest must have it, though what is inside is right.
  const named = `blobs/sha256/${"0".repeat(64)}`;
  await assert.rejects(readAll(await read(await archive([first!], named, gzipSync(first!)))), {
    code: "DIGEST_MISMATCH",
    path: named,
  });
});

for (const [what, members, code] of [
  ["no manifest", [["a", ""]], "BAD_MANIFEST"],
  ["a manifest that is no JSON", [["manifest.json", "[{"]], "BAD_MANIFEST"],
  ["a manifest that is no UTF-8", [["manifest.json", new Uint8Array([0x22, 0xff, 0x22])]], "BAD_MANIFEST"],
  ["a manifest nested too deep", [["manifest.json", "[".repeat(1e6)]], "BAD_MANIFEST"],
  [
    "a config nested too deep",
    [
      ["manifest.json", '[{"Config":"c"}]'],
      ["c", `{"a":${'[{"b":'.repeat(1e5)}`],
    ],
    "BAD_MANIFEST",
  ],
  ["a manifest that is an object", [["manifest.json", "{}"]], "BAD_MANIFEST"],
  ["an image that is a number", [["manifest.json", "[1]"]], "BAD_MANIFEST"],
  ["an image without a config", [["manifest.json", '[{"Layers":[]}]']], "BAD_MANIFEST"],
  ["a config that is missing", [["manifest.json", '[{"Config":"c","Layers":[]}]']], "MISSING_BLOB"],
  [
    "a config without rootfs",
    [
      ["manifest.json", '[{"Config":"c"}]'],
      ["c", "{}"],
    ],
    "BAD_MANIFEST",
  ],
  [
    "a diffID that is no digest",
    [
      ["manifest.json", '[{"Config":"c","Layers":["l"]}]'],
      ["c", '{"rootfs":{"diff_ids":["sha256:../x"]}}'],
    ],
    "BAD_MANIFEST",
  ],
  [
    "a diffID of another kind",
    [
      ["manifest.json", '[{"Config":"c"}]'],
      ["c", `{"rootfs":{"diff_ids":["sha512:${"0".repeat(128)}"]}}`],
    ],
    "UNSUPPORTED_FEATURE",
  ],
  [
    "fewer layers than diffIDs",
    [
      ["manifest.json", '[{"Config":"c","Layers":[]}]'],
      ["c", json({ rootfs: { diff_ids: [`sha256:${"0".repeat(64)}`] } })],
    ],
    "BAD_MANIFEST",
  ],
  [
    "a layer that is missing",
    [
      ["manifest.json", '[{"Config":"c","Layers":["l"]}]'],
      ["c", json({ rootfs: { diff_ids: [`sha256:${"0".repeat(64)}`] } })],
    ],
    "MISSING_BLOB",
  ],
  [
    "a member outside",
    [
      ["../x", "y"],
      ["manifest.json", "[]"],
    ],
    "UNSAFE_PATH",
  ],
  ["a link that leads outside", [["a/b", "", { type: "symlink", linkname: "../../etc" }]], "UNSAFE_PATH"],
  [
    "links in a circle",
    [["manifest.json", "", { type: "symlink", linkname: "manifest.json" }]],
    "UNSAFE_PATH",
  ],
] as readonly (readonly [string, readonly TarMember[], string])[]) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(read(await buildTar(members)), { code });
  });
}

test("limits: JSON, layers, members, decompressed bytes", async () => {
  const archive = await buildOldDockerArchive(await buildLayers());
  await assert.rejects(read(archive, { limits: { jsonBytes: 50 } }), { code: "SIZE_LIMIT" });
  await assert.rejects(read(archive, { limits: { layers: 1 } }), { code: "COUNT_LIMIT" });
  await assert.rejects(read(archive, { limits: { archiveMembers: 3 } }), { code: "COUNT_LIMIT" });
  await assert.rejects(read(gzipSync(archive), { limits: { decompressedBytes: 1000 } }), {
    code: "SIZE_LIMIT",
  });
  await (await read(archive, { limits: { layers: 2, archiveMembers: 6 } })).close();
});

test("brackets in strings are no depth", async () => {
  const config = json({ rootfs: {}, note: '\\"['.repeat(1000) });
  const archive = await buildTar([
    ["manifest.json", '[{"Config":"c"}]'],
    ["c", config],
  ]);
  assert.deepEqual((await read(archive)).config, config);
});

test("of two members of one name the last counts", async () => {
  const config = buildConfig([]);
  const archive = await buildTar([
    ["manifest.json", "broken"],
    ["./manifest.json", json([{ Config: "/c", RepoTags: ["a:1"] }])],
    ["c", config],
  ]);
  assert.deepEqual((await read(archive)).references, ["a:1"]);
});
