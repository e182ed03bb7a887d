import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { extract } from "tar-stream";
import type { SourceIndex } from "../../src/encode/input.ts";
import { isFlatdeltaError } from "../../src/errors.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { NO_CONTENT } from "../../src/image/content.ts";
import { encodeFlatConfig } from "../../src/image/flat/config.ts";
import { buildFlatLayer } from "../../src/image/flat/layer.ts";
import {
  type FlatImage,
  flattenImage,
  isFlatImage,
  openFlatImage,
  verifyFlatImage,
} from "../../src/image/flat.ts";
import { tarLayer } from "../../src/image/layer.ts";
import { encodeBinary, readTarIndex, type TarEntry } from "../../src/image/tar/index.ts";
import { mergeLayers } from "../../src/image/tree.ts";
import type { Image, LayerEntry } from "../../src/image/types.ts";
import {
  concatSources,
  memorySource,
  readRange,
  type Source,
  subSource,
  zeroSource,
} from "../../src/io/index.ts";
import { encodeEnvelopeHead } from "../../src/transform/index.ts";
import { file, folder, hardLink, type RawEntry, rawTar, symlink } from "./tar-builder.ts";
import { CONFIG, imageOfEntries, imageOfTars } from "./tree-lines.ts";

const hasCode =
  (...codes: string[]) =>
  (error: unknown) =>
    isFlatdeltaError(error) && codes.includes(error.code);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const readAll = (source: Source): Promise<Uint8Array> => readRange(source, 0, source.size);
const flatBytes = async (image: Image): Promise<Uint8Array> => readAll((await flattenImage(image)).source);

/** One of everything. */
const LAYERS: readonly (readonly RawEntry[])[] = [
  [
    folder("bin/"),
    file("bin/app", "#!/bin/sh\n", {
      mode: 0o4755,
      pax: { "SCHILY.xattr.security.capability": "\x01\0\0\x02\xff" },
    }),
    hardLink("bin/alias", "bin/app"),
    symlink("lib", "usr/lib"),
    file("lib/libc.so", "x".repeat(700)),
    { type: "3", name: "dev/null", mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
    { type: "6", name: "run/pipe" },
    file("tmp/gone"),
    file("time", "t", { pax: { mtime: "1700000000.123456789" } }),
    file("early", "", { pax: { mtime: "-5.5" } }),
    file("owner", "", { pax: { uid: "4000000", gid: "3000000" } }),
    file("caf\xe9", "latin"),
    file("n", "", { pax: { path: `deep/${"n".repeat(120)}\xff` } }),
    symlink("s", "short"),
    { ...symlink("long-link", ""), pax: { linkpath: "../".repeat(60) } },
  ],
  [
    file("tmp/.wh.gone"),
    file("bin/more", "more", { mtimeSeconds: 1_600_000_000 }),
    folder("tmp/", { mode: 0o1777 }),
  ],
];

interface FlatEntries {
  outer: TarEntry[];
  inner: TarEntry[];
  layer: Source;
}

async function entriesOf(flat: Source): Promise<FlatEntries> {
  const outer: TarEntry[] = [];
  for await (const entry of readTarIndex(flat)) outer.push(entry);
  const { contentOffset, contentBytes } = outer[5]!;
  const layer = subSource(flat, contentOffset, contentBytes);
  const inner: TarEntry[] = [];
  for await (const entry of readTarIndex(layer)) inner.push(entry);
  return { outer, inner, layer };
}

async function jsonOf(flat: Source, entry: TarEntry): Promise<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(await readRange(flat, entry.contentOffset, entry.contentBytes)));
}

function imageOfLayerEntries(entries: readonly Partial<LayerEntry>[]): Image {
  const defaults: LayerEntry = {
    type: "file",
    path: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    linkPath: "",
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
    content: NO_CONTENT,
  };
  return {
    config: Buffer.from(JSON.stringify(CONFIG)),
    references: [],
    layers: [
      {
        async *entries() {
          for (const entry of entries) yield { ...defaults, ...entry };
        },
      },
    ],
    close: async () => {},
  };
}

describe("the canonical form", () => {
  test("does not change", async () => {
    // These digests are the format: where they change, flat images on devices and servers no longer agree.
    assert.equal(
      sha256(await flatBytes(imageOfEntries(LAYERS))),
      "8a201307920641dbd39d5681f7e3389564d0f5a91f5755d9b57c9705a91dc6f5",
    );
    assert.equal(
      sha256(await flatBytes(imageOfEntries([]))),
      "45a9b6dd4147c3d14dbeec6d16480cd96275a8e1ba22d5855b4ac3df549e8d45",
    );
  });

  test("is an OCI layout with docker's manifest around one layer", async () => {
    const { source, layerDigest, config } = await flattenImage(imageOfEntries(LAYERS));
    const { outer, layer } = await entriesOf(source);
    const hex = layerDigest.slice(7);
    assert.equal(sha256(await readAll(layer)), hex);
    const [layout, index, docker, manifest] = await Promise.all(
      outer.slice(0, 4).map((entry) => jsonOf(source, entry)),
    );
    const manifestName = outer[3]!.header.name;
    const configName = outer[4]!.header.name;
    assert.deepEqual(
      outer.map(({ header }) => header.name),
      [
        "oci-layout",
        "index.json",
        "manifest.json",
        manifestName,
        `blobs/sha256/${sha256(config)}`,
        `blobs/sha256/${hex}`,
      ],
    );
    assert.deepEqual(layout, { imageLayoutVersion: "1.0.0" });
    assert.deepEqual(docker, [{ Config: configName, RepoTags: null, Layers: [`blobs/sha256/${hex}`] }]);
    assert.deepEqual(index!.annotations, { "org.flatdelta.entries": "21", "org.flatdelta.flat": "1" });
    const [described] = index!.manifests as { digest: string; size: number }[];
    assert.equal(manifestName, `blobs/sha256/${described!.digest.slice(7)}`);
    assert.equal(outer[3]!.contentBytes, described!.size);
    assert.deepEqual(manifest!.layers, [
      { digest: layerDigest, mediaType: "application/vnd.oci.image.layer.v1.tar", size: layer.size },
    ]);
    assert.deepEqual(
      new Set(outer.map(({ header }) => [header.mode, header.uid, header.gid, header.mtimeSeconds].join())),
      new Set([`${0o644},0,0,0`]),
    );
    const last = outer[5]!;
    assert.equal(last.contentOffset + last.contentBytes + 1024, source.size);
  });

  test("is what tar-stream reads as the tree", async () => {
    const { source } = await flattenImage(imageOfEntries(LAYERS));
    const { layer } = await entriesOf(source);
    const lines: string[] = [];
    const extractor = extract({ filenameEncoding: "latin1" } as object);
    extractor.end(await readAll(layer));
    for await (const entry of extractor) {
      const { name, type, linkname, mode } = entry.header;
      lines.push(
        `${type} ${name.length > 40 ? `${name.slice(0, 8)}...` : name} ${mode?.toString(8)} ${linkname?.slice(0, 9) ?? ""}`.trim(),
      );
      entry.resume();
    }
    assert.deepEqual(lines, [
      "directory bin/ 755",
      "file bin/alias 4755",
      "link bin/app 4755 bin/alias",
      "file bin/more 644",
      "file caf\xe9 644",
      "directory deep/ 755",
      "file deep/nnn... 644",
      "directory dev/ 755",
      "character-device dev/null 666",
      "file early 644",
      "symlink lib 777 usr/lib",
      "symlink long-link 777 ../../../",
      "file owner 644",
      "directory run/ 755",
      "fifo run/pipe 644",
      "symlink s 777 short",
      "file time 644",
      "directory tmp/ 1777",
      "directory usr/ 755",
      "directory usr/lib/ 755",
      "file usr/lib/libc.so 644",
    ]);
  });

  test("keeps times, owners, names and attributes that ustar has no place for", async () => {
    const { inner } = await entriesOf((await flattenImage(imageOfEntries(LAYERS))).source);
    const find = (path: string) => inner.find(({ header }) => header.name === path)!.header;
    assert.deepEqual(
      [find("time").mtimeSeconds, find("time").mtimeNanoseconds],
      [1_700_000_000, 123_456_789],
    );
    assert.deepEqual([find("early").mtimeSeconds, find("early").mtimeNanoseconds], [-6, 500_000_000]);
    assert.deepEqual([find("owner").uid, find("owner").gid], [4_000_000, 3_000_000]);
    assert.equal(find("long-link").linkName, "../".repeat(60));
    assert.ok(find(`deep/${"n".repeat(120)}\xff`));
    for (const name of ["bin/alias", "bin/app"]) {
      assert.deepEqual(find(name).xattrs.get("security.capability"), encodeBinary("\x01\0\0\x02\xff"));
    }
  });

  test("says that a name in PAX is no UTF-8, and only then", async () => {
    const names = [`${"x".repeat(101)}\xff`, `${"x".repeat(101)}\xc3\xa9`, "\xff"];
    for (const [i, path] of names.entries()) {
      const flat = await flatBytes(imageOfLayerEntries([{ path }]));
      assert.equal(Buffer.from(flat).includes("21 hdrcharset=BINARY\n"), i === 0);
    }
  });

  test("splits names at the last slash that fits, and spends PAX where none does", async () => {
    const cases: [path: string, isPax: boolean][] = [
      [`${"a".repeat(99)}/${"b".repeat(100)}`, false],
      [`${"a".repeat(155)}/${"b".repeat(100)}`, false],
      [`${"a".repeat(155)}/${"b".repeat(101)}`, true],
      [`${"a".repeat(156)}/${"b".repeat(100)}`, true],
      [`${"a/".repeat(77)}c/${"b".repeat(98)}`, false],
      ["x".repeat(100), false],
      ["x".repeat(101), true],
    ];
    for (const [path, isPax] of cases) {
      const { inner, layer } = await entriesOf((await flattenImage(imageOfLayerEntries([{ path }]))).source);
      const entry = inner.at(-1)!;
      assert.equal(entry.header.name, path);
      assert.equal(entry.contentOffset - entry.headerOffset, isPax ? 1536 : 512, path);
      assert.equal(
        (await readRange(layer, entry.headerOffset + 156, 1))[0],
        (isPax ? "x" : "0").charCodeAt(0),
      );
    }
    // A folder's name holds its slash too.
    const long = await entriesOf(
      (await flattenImage(imageOfLayerEntries([{ path: "x".repeat(100), type: "directory" }]))).source,
    );
    assert.equal(long.inner[0]!.header.name, `${"x".repeat(100)}/`);
    assert.equal(long.inner[0]!.contentOffset, 1536);
  });

  test("has an entry for the root only where it is not the usual one, and no time for it", async () => {
    const usual = await flatBytes(imageOfEntries([[file("a")]]));
    assert.deepEqual(
      await flatBytes(imageOfEntries([[folder("./", { mtimeSeconds: 7 }), file("a")]])),
      usual,
    );
    const special = await entriesOf(
      (await flattenImage(imageOfEntries([[folder("./", { mode: 0o700, mtimeSeconds: 7 }), file("a")]])))
        .source,
    );
    assert.deepEqual(
      special.inner.map(({ header }) => [header.name, header.mode, header.mtimeSeconds]),
      [
        ["./", 0o700, 0],
        ["a", 0o644, 1],
      ],
    );
  });

  test("holds files and layers over 8 GiB", async () => {
    const size = 2 ** 33 + 1;
    const mergers = [{ path: "big", content: zeroSource(size) }];
    const root = await mergeLayers(imageOfLayerEntries(mergers).layers);
    const { source } = buildFlatLayer(root);
    assert.equal(source.size, 3 * 512 + size + 511 + 1024);
    const entries: TarEntry[] = [];
    for await (const entry of readTarIndex(source)) entries.push(entry);
    assert.deepEqual(
      entries.map(({ header, contentBytes }) => [header.name, header.sizeBytes, contentBytes]),
      [["big", size, size]],
    );
    const digest = `sha256:${"0".repeat(64)}`;
    const head = encodeEnvelopeHead(encodeBinary("{}"), {
      digest,
      sizeBytes: source.size,
      entryCount: 1,
    });
    const outer: TarEntry[] = [];
    const whole = concatSources([memorySource(head), source, zeroSource(1024)]);
    for await (const entry of readTarIndex(whole)) outer.push(entry);
    assert.equal(outer[5]!.contentBytes, source.size);
  });

  test("refuses what no tar can hold", async () => {
    const bad: Partial<LayerEntry>[] = [
      { path: "f", xattrs: new Map([["user.a=b", Uint8Array.of(1)]]) },
      { path: "d", type: "character", deviceMajor: 2 ** 21, deviceMinor: 0 },
    ];
    for (const entry of bad)
      await assert.rejects(flattenImage(imageOfLayerEntries([entry])), hasCode("BAD_ENTRY"));
  });
});

describe("the config", () => {
  const flatConfig = async (config: object | string) => {
    const image = {
      ...imageOfEntries([[file("a")]]),
      config: Buffer.from(typeof config === "string" ? config : JSON.stringify(config)),
    };
    return new TextDecoder().decode((await flattenImage(image)).config);
  };

  test("keeps everything but layer and history, keys sorted", async () => {
    const text = await flatConfig({
      os: "linux",
      config: { Env: ["A=\u00e9"], Cmd: null },
      architecture: "arm64",
      history: [{ created_by: "RUN x" }, { empty_layer: true }],
    });
    const digest = (await flattenImage(imageOfEntries([[file("a")]]))).layerDigest;
    assert.equal(
      text,
      `{"architecture":"arm64","config":{"Cmd":null,"Env":["A=\u00e9"]},"history":[{"created_by":"RUN x","empty_layer":true},` +
        `{"empty_layer":true},{"comment":"flattened by flatdelta","created_by":"flatdelta flatten"}],"os":"linux",` +
        `"rootfs":{"diff_ids":["${digest}"],"type":"layers"}}`,
    );
  });

  test("gets a history where it has none", async () => {
    for (const history of [undefined, null, []]) {
      const { history: found } = JSON.parse(await flatConfig({ os: "linux", history })) as {
        history: unknown;
      };
      assert.deepEqual(found, [{ comment: "flattened by flatdelta", created_by: "flatdelta flatten" }]);
    }
  });

  test("holds long and strange strings, whose digits are no numbers", async () => {
    const strange = {
      a: String.raw`\9007199254740993"`.repeat(300_000),
      'b\\"': '"',
      c: String.raw`\\`,
      d: 1,
    };
    const found = JSON.parse(await flatConfig(strange)) as Record<string, unknown>;
    for (const [key, value] of Object.entries(strange)) assert.equal(found[key], value);
    const text = JSON.stringify({ ...strange, d: "NUMBER" }).replace('"NUMBER"', "9007199254740993");
    await assert.rejects(flatConfig(text), hasCode("BAD_MANIFEST"));
    await assert.rejects(flatConfig("[".repeat(1_000_000)), hasCode("BAD_MANIFEST"));
  });

  test("is refused when it is no object or would be rounded", async () => {
    const bad = [
      "",
      "[]",
      "null",
      "{",
      '{"a":9007199254740993}',
      '{"a":1e400}',
      '{"history":{}}',
      '{"history":[1]}',
      '{"a":1}\xff',
    ];
    bad.push(`{"a":${"[".repeat(300)}${"]".repeat(300)}}`);
    for (const text of bad) await assert.rejects(flatConfig(text), hasCode("BAD_MANIFEST"), text);
    assert.match(
      await flatConfig('{"a":"9007199254740993","b":-9007199254740991,"c":1.50,"__proto__":{"x":1}}'),
      /^\{"__proto__":\{"x":1\},"a":"9007199254740993","b":-9007199254740991,"c":1\.5,/,
    );
  });
});

describe("flattening", () => {
  const toImage = async (flat: FlatImage): Promise<Image> => {
    const { layer } = await entriesOf(flat.source);
    return { ...imageOfTars([await readAll(layer)]), config: flat.config };
  };

  test("a flat image gives the same bytes", async () => {
    const flat = await flattenImage(imageOfEntries(LAYERS));
    assert.deepEqual(await flatBytes(await toImage(flat)), await readAll(flat.source));
  });

  const NAMES = ["a", "b", "a.", "\xe9", "l"];
  const anyPath = fc
    .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
    .map((names) => names.join("/"));
  const anyXattrs = fc.option(fc.constantFrom("1", "\0\xff"), { nil: undefined, freq: 3 });
  const anyEntry: fc.Arbitrary<RawEntry> = fc
    .record({
      path: anyPath,
      kind: fc.constantFrom("file", "folder", "symlink"),
      content: fc.string({ maxLength: 3 }),
      mode: fc.constantFrom(0o644, 0o755, 0o4755),
      mtime: fc.constantFrom("1", "-1.5", "7.25", "99999999999"),
      xattr: anyXattrs,
    })
    .map(({ path, kind, content, mode, mtime, xattr }) => {
      const pax = { mtime, ...(xattr === undefined ? {} : { "SCHILY.xattr.user.x": xattr }) };
      if (kind === "folder") return folder(`${path}/`, { mode, pax });
      if (kind === "file")
        return file(path, encodeBinary(content.replace(/[^\x20-\x7e]/g, "?")), { mode, pax });
      return { ...symlink(path, content === "" ? "a" : encodeURI(content)), pax };
    });

  test("any layers, then the flat image again, gives the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyEntry, { maxLength: 6 }), { maxLength: 3 }), async (layers) => {
        let flat: FlatImage;
        try {
          flat = await flattenImage(imageOfEntries(layers));
        } catch (error) {
          assert.ok(hasCode("BAD_ENTRY", "UNSAFE_PATH")(error), String(error));
          return;
        }
        const bytes = await readAll(flat.source);
        assert.deepEqual(await flatBytes(await toImage(flat)), bytes);
        await verifyFlatImage(memorySource(bytes));
      }),
      { numRuns: 150 },
    );
  });

  test("does not depend on how the same tree is split into layers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { maxLength: 10 }),
        fc.array(fc.nat(10), { maxLength: 3 }),
        async (entries, cuts) => {
          const borders = [
            0,
            ...cuts.map((cut) => Math.min(cut, entries.length)).sort((a, b) => a - b),
            entries.length,
          ];
          const layers = borders.slice(1).map((end, i) => entries.slice(borders[i], end));
          const attempt = (split: RawEntry[][]) =>
            flatBytes(imageOfEntries(split)).catch((error: Error) => error.message);
          assert.deepEqual(await attempt(layers), await attempt([entries]));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("reads any range of the virtual source as the whole has it", async () => {
    const { source } = await flattenImage(imageOfEntries(LAYERS));
    const whole = await readAll(source);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(4000), async (offset, length) => {
        const end = Math.min(offset + length, whole.length);
        assert.deepEqual(await readRange(source, offset, end - offset), whole.subarray(offset, end));
      }),
    );
    await assert.rejects(source.read(whole.length, new Uint8Array(1)), RangeError);
  });

  test("reads neighbours of a layer together", async () => {
    const tar = rawTar(Array.from({ length: 100 }, (_, i) => file(`f${i}`, `content ${i}`)));
    let reads = 0;
    const counted: Source = {
      size: tar.length,
      read: async (offset, into) => {
        reads++;
        into.set(tar.subarray(offset, offset + into.length));
      },
    };
    const image = imageOfTars([tar]);
    const { source } = await flattenImage({ ...image, layers: [tarLayer(counted)] });
    reads = 0;
    const bytes = await readAll(source);
    assert.equal(reads, 1);
    assert.deepEqual(bytes, await flatBytes(image));
  });

  test("a failing read of a layer reaches the reader", async () => {
    const tar = rawTar([file("a", "x"), file("b", "y")]);
    let broken = false;
    const source: Source = {
      size: tar.length,
      read: async (offset, into) => {
        if (broken) throw new Error("disk gone");
        into.set(tar.subarray(offset, offset + into.length));
      },
    };
    const flat = await flattenImage({ ...imageOfTars([tar]), layers: [tarLayer(source)] });
    broken = true;
    await assert.rejects(readAll(flat.source), /disk gone/);
    await assert.rejects(flat.index(), /disk gone/);
    broken = false;
    assert.equal((await flat.index()).entries.length, 8, "a failed pass does not stick");
  });

  test("tells progress, heeds the signal, and lets go when closed", async () => {
    const phases = new Set<string>();
    const flat = await flattenImage(imageOfEntries(LAYERS), { onProgress: ({ phase }) => phases.add(phase) });
    await flat.index({ onProgress: ({ phase }) => phases.add(phase) });
    assert.deepEqual([...phases], ["flatten", "index"]);
    const signal = AbortSignal.abort(new Error("stop"));
    await assert.rejects(flattenImage(imageOfEntries(LAYERS), { signal }), /stop/);
    await flat.close();
    await assert.rejects(flat.source.read(0, new Uint8Array(0)), TypeError);
  });
});

describe("the index", () => {
  async function checkIndex({ hashes, entries }: SourceIndex, bytes: Uint8Array): Promise<void> {
    assert.equal(Buffer.from((await hashes).sha256).toString("hex"), sha256(bytes));
    const { hash } = await loadHash64();
    let end = 0;
    for (const span of entries) {
      assert.ok(span.headerOffset >= end, span.path);
      assert.equal(span.contentOffset, span.headerOffset + span.headerBytes, span.path);
      end = span.contentOffset + span.contentBytes;
      const content = bytes.subarray(span.contentOffset, end);
      assert.equal(span.contentHash, content.length === 0 ? 0n : hash(content), span.path);
    }
  }

  test("tells each entry's place and hash, the same for a made and an opened image", async () => {
    const large = file("large", "0123456789".repeat(300_000));
    const flat = await flattenImage(imageOfEntries([...LAYERS, [large]]));
    const bytes = await readAll(flat.source);
    const index = await flat.index();
    await checkIndex(index, bytes);
    assert.deepEqual(
      index.entries.slice(0, 8).map(({ path }) => path),
      ["oci-layout", "index.json", "manifest.json", "manifest", "config", "layer"]
        .map((role) => `\0oci/${role}`)
        .concat(["bin", "bin/alias"]),
    );
    assert.equal(index.entries.find(({ path }) => path === "large")?.contentBytes, 3_000_000);
    const opened = await openFlatImage(memorySource(bytes));
    const again = await opened.index();
    assert.deepEqual({ ...again, hashes: await again.hashes }, { ...index, hashes: await index.hashes });
    assert.deepEqual(
      [opened.layerDigest, opened.entryCount, opened.config],
      [flat.layerDigest, flat.entryCount, flat.config],
    );
    assert.equal(await opened.index(), await opened.index(), "made once");
  });

  test("spans everything but end marks and padding", async () => {
    const flat = await flattenImage(imageOfEntries(LAYERS));
    const bytes = await readAll(flat.source);
    const rest = bytes.slice();
    for (const span of (await flat.index()).entries)
      rest.fill(0, span.headerOffset, span.contentOffset + span.contentBytes);
    assert.ok(rest.every((byte) => byte === 0));
  });
});

describe("flat images that come as bytes", () => {
  test("are recognised by their mark", async () => {
    const bytes = await flatBytes(imageOfEntries(LAYERS));
    assert.equal(await isFlatImage(memorySource(bytes)), true);
    const { outer } = await entriesOf(memorySource(bytes));
    assert.equal(
      await isFlatImage(memorySource(bytes.subarray(0, outer[2]!.headerOffset))),
      true,
      "a few kilobytes suffice",
    );
    const others = [
      new Uint8Array(0),
      new Uint8Array(10_000),
      new Uint8Array(10_000).fill(9),
      rawTar([file("a")]),
    ];
    others.push(rawTar([file("oci-layout", "{}"), file("index.json", '{"manifests":[]}')]));
    others.push(rawTar([file("oci-layout", "{}"), file("index.json", "no json")]));
    for (const other of others) {
      assert.equal(await isFlatImage(memorySource(other)), false);
      await assert.rejects(openFlatImage(memorySource(other)), hasCode("BAD_MANIFEST", "BAD_TAR_HEADER"));
    }
    const failing: Source = { size: 5000, read: () => Promise.reject(new Error("disk gone")) };
    await assert.rejects(isFlatImage(failing), /disk gone/);
  });

  test("are verified", async () => {
    const flat = await flattenImage(imageOfEntries(LAYERS));
    const bytes = await readAll(flat.source);
    const found = await verifyFlatImage(memorySource(bytes));
    assert.deepEqual(
      [found.layerDigest, found.entryCount, Buffer.from(found.sha256).toString("hex")],
      [flat.layerDigest, flat.entryCount, sha256(bytes)],
    );
  });

  test("with any byte changed or any end cut off are refused", async () => {
    const bytes = await flatBytes(
      imageOfEntries([[file("f", "hello", { pax: { mtime: "1.5" } }), hardLink("h", "f")]]),
    );
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      await assert.rejects(verifyFlatImage(memorySource(damaged)), isFlatdeltaError, `byte ${at}`);
    }
    for (let length = 0; length < bytes.length; length += 13)
      await assert.rejects(
        verifyFlatImage(memorySource(bytes.subarray(0, length))),
        isFlatdeltaError,
        `length ${length}`,
      );
  });

  test("with another layer that is in order but not canonical are refused", async () => {
    const wrap = async (entries: RawEntry[], entryCount = entries.length) => {
      const layer = rawTar(entries);
      const digest = `sha256:${sha256(layer)}`;
      const config = encodeFlatConfig(Buffer.from(JSON.stringify(CONFIG)), digest);
      const head = encodeEnvelopeHead(config, { digest, sizeBytes: layer.length, entryCount });
      return memorySource(Buffer.concat([head, layer, new Uint8Array(1024)]));
    };
    await verifyFlatImage(await wrap([file("a"), file("b")]));
    const bad = [
      [file("b"), file("a")],
      [file("./a")],
      [file("a", "", { pax: { comment: "x" } })],
      [file("a"), file("a")],
      [file(".wh.a")],
      [folder("./")],
      [file("d/a")],
    ];
    for (const entries of bad)
      await assert.rejects(verifyFlatImage(await wrap(entries)), hasCode("BAD_MANIFEST"), entries[0]!.name);
    await assert.rejects(verifyFlatImage(await wrap([file("a")], 2)), hasCode("BAD_MANIFEST"));
  });
});

test("every byte of a layer changed and every end cut off gives an error with a code, or what the digest allows", async () => {
  const entries = [folder("d/"), ...LAYERS[0]!.slice(1, 3), file("d/f", "x", { pax: { mtime: "1.5" } })];
  const tar = rawTar(entries);
  const image = imageOfEntries([entries]);
  const diffId = image.layers[0]!.diffId!;
  const attempt = (bytes: Uint8Array) =>
    flattenImage({ ...image, layers: [tarLayer(memorySource(bytes), { diffId })] });
  for (let at = 0; at < tar.length; at++) {
    const damaged = tar.slice();
    damaged[at]! ^= 1 << (at % 8);
    await assert.rejects(attempt(damaged), isFlatdeltaError, `byte ${at}`);
  }
  for (let length = 0; length < tar.length; length++)
    await assert.rejects(attempt(tar.subarray(0, length)), isFlatdeltaError, `length ${length}`);
});
