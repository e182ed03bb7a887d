import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { isFlatdeltaError } from "../../src/errors.ts";
import { flattenImage, type Image, readDockerArchive, readOciArchive } from "../../src/image/index.ts";
import { type ReadImageOptions, readImage, readOciFolder } from "../../src/image/node.ts";
import { memorySource, readRange, type Source } from "../../src/io/index.ts";
import { fileScratch } from "../../src/io/node.ts";
import {
  buildLayers,
  buildNewDockerArchive,
  buildOldDockerArchive,
  buildTar,
  json,
  LayoutBuilder,
  named,
} from "./build-image.ts";

async function flatten(image: Image): Promise<Buffer> {
  try {
    const flat = await flattenImage(image);
    const bytes = await readRange(flat.source, 0, flat.source.size);
    await flat.close();
    return Buffer.from(bytes);
  } finally {
    await image.close();
  }
}

async function writeLayout(folder: string, layout: LayoutBuilder): Promise<void> {
  for (const [name, bytes] of layout.files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

async function buildLayout(): Promise<LayoutBuilder> {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const stored = layers.map((layer) => new Uint8Array(gzipSync(layer)));
  return layout.finish([layout.addManifest(layers, named("v1"), { stored })]);
}

describe("reading an image by its name", () => {
  let base: string;
  let scratch: string;
  let expected: Buffer;
  before(async () => {
    expected = await flatten(
      await readDockerArchive(memorySource(await buildOldDockerArchive(await buildLayers()))),
    );
  });
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
    scratch = join(base, "scratch");
    await mkdir(scratch);
  });
  afterEach(async () => {
    assert.deepEqual(await readdir(scratch), [], "no scratch file is left");
    await rm(base, { recursive: true });
  });
  const path = (name: string): string => join(base, name);
  const read = (name: string, options: ReadImageOptions = {}): Promise<Image> =>
    readImage(name, { scratch: fileScratch(scratch), xattrs: "ignore", ...options });

  test("every form gives the same flat image, named by transport or recognised", async () => {
    const layers = await buildLayers();
    const layout = await buildLayout();
    await writeLayout(path("layout"), layout);
    await writeFile(path("old.tar"), await buildOldDockerArchive(layers));
    await writeFile(path("new.tar"), await buildNewDockerArchive(layers, true));
    await writeFile(path("oci.tar"), await layout.tar());
    await writeFile(path("old.tar.gz"), gzipSync(await buildOldDockerArchive(layers)));
    await writeFile(path("oci.tar.gz"), gzipSync(await layout.tar()));
    await writeFile(path("flat"), expected);
    for (const name of [
      `docker-archive:${path("old.tar")}`,
      `docker-archive:${path("old.tar")}:app:1`,
      path("old.tar"),
      path("old.tar.gz"),
      `docker-archive:${path("old.tar.gz")}:@0`,
      path("new.tar"),
      `oci-archive:${path("new.tar")}:app:1`,
      `oci:${path("layout")}`,
      `oci:${path("layout")}:v1`,
      path("layout"),
      `oci-archive:${path("oci.tar")}:v1`,
      path("oci.tar"),
      path("oci.tar.gz"),
      `flat:${path("flat")}`,
      path("flat"),
      `oci-archive:${path("flat")}`,
      `docker-archive:${path("flat")}`,
    ]) {
      assert.ok((await flatten(await read(name))).equals(expected), name);
    }
    assert.ok((await flatten(await readOciFolder(path("layout")))).equals(expected));
  });

  test("a bare folder without an OCI layout is a rootfs", async () => {
    await mkdir(path("root/etc"), { recursive: true });
    const image = await read(path("root"));
    assert.equal(image.layers[0]!.diffId, undefined);
    const paths: string[] = [];
    for await (const entry of image.layers[0]!.entries()) paths.push(entry.path);
    assert.deepEqual(paths, ["", "etc"]);
    await image.close();
    await writeFile(path("config.json"), '{"os":"linux","architecture":"arm64"}');
    const configured = await read(`rootfs:${path("root")}:${path("config.json")}`);
    assert.match(Buffer.from(configured.config).toString(), /arm64/);
    await configured.close();
  });

  test("a platform that is asked for is looked for in the index of a Docker 25 archive", async () => {
    const layers = await buildLayers();
    const layout = new LayoutBuilder();
    const arm = layout.addManifest(layers, { platform: { os: "linux", architecture: "arm64" } });
    const other = layout.addManifest(layers.slice(1), { platform: { os: "linux", architecture: "s390x" } });
    layout.finish([layout.addIndex([arm, other])]);
    layout.files.set("manifest.json", json([]));
    await writeFile(path("multi.tar"), await layout.tar());
    const image = await read(path("multi.tar"), { platform: "linux/s390x" });
    assert.equal(image.layers.length, 1);
    await image.close();
    await assert.rejects(read(path("multi.tar"), { platform: "linux/386" }), { code: "IMAGE_NOT_FOUND" });
    await assert.rejects(read(path("multi.tar"), { platform: "linux" }), RangeError);
  });

  test("what is no image is refused, what is missing is the system's error", async () => {
    await writeFile(path("empty.tar"), await buildTar([]));
    await writeFile(path("text"), "just some text, not even a tar archive");
    await assert.rejects(read(path("empty.tar")), {
      code: "BAD_MANIFEST",
      message: /manifest\.json or index\.json/,
    });
    await assert.rejects(read(path("text")), isFlatdeltaError);
    await assert.rejects(read(`flat:${path("empty.tar")}`), { code: "BAD_MANIFEST" });
    await assert.rejects(read(path("nothing")), { code: "ENOENT" });
    await assert.rejects(read("docker://alpine"), { code: "UNSUPPORTED_FEATURE" });
  });

  test("a failed read leaves nothing behind", async () => {
    const layout = await buildLayout();
    const blob = [...layout.files.keys()].find((name) => name.startsWith("blobs/"))!;
    layout.files.get(blob)![12]! ^= 1;
    await writeFile(path("oci.tar.gz"), gzipSync(await layout.tar()));
    await assert.rejects(async () => flatten(await read(path("oci.tar.gz"))), isFlatdeltaError);
    await writeFile(path("cut.tar.gz"), gzipSync(await layout.tar()).subarray(0, 300));
    await assert.rejects(read(path("cut.tar.gz")), { code: "BAD_COMPRESSION" });
  });

  test("an aborted signal stops the reading", async () => {
    await writeFile(path("old.tar.gz"), gzipSync(await buildOldDockerArchive(await buildLayers())));
    const reason = new Error("enough");
    await assert.rejects(read(path("old.tar.gz"), { signal: AbortSignal.abort(reason) }), reason);
  });
});

/** Read, flatten, and say which error that gave; only errors of flatdelta's own are allowed. */
async function outcome(
  readArchive: (source: Source) => Promise<Image>,
  archive: Uint8Array,
): Promise<Buffer | string> {
  try {
    return await flatten(await readArchive(memorySource(archive)));
  } catch (error) {
    if (isFlatdeltaError(error)) return error.code;
    throw error;
  }
}

for (const [what, readArchive, build] of [
  ["an old docker-archive", readDockerArchive, async () => buildOldDockerArchive(await buildLayers())],
  ["a Docker 25 archive", readDockerArchive, async () => buildNewDockerArchive(await buildLayers(), true)],
  ["an OCI archive", readOciArchive, async () => (await buildLayout()).tar()],
] as const) {
  test(`${what}: each byte flipped, each truncation: an error with a code, or the same flat image`, async () => {
    const archive = await build();
    const expected = await outcome(readArchive, archive);
    assert.ok(expected instanceof Buffer);
    const codes = new Set<string>();
    const check = async (damaged: Uint8Array, how: string): Promise<void> => {
      const result = await outcome(readArchive, damaged);
      if (typeof result === "string") codes.add(result);
      else assert.ok(result.equals(expected), how);
    };
    for (let at = 0; at < archive.length; at++) {
      const damaged = archive.slice();
      damaged[at]! ^= 1 << (at % 8);
      // Padding is all alike: a sample of it is enough.
      if (archive[at] !== 0 || at % 16 === 0) await check(damaged, `byte ${at}`);
    }
    for (let length = 0; length < archive.length; length += length % 512 > 500 ? 1 : 37) {
      await check(archive.subarray(0, length), `length ${length}`);
    }
    assert.ok(codes.size > 3, [...codes].join());
  });
}
