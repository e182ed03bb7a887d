/** An archive from a pipe is the archive from the file: the same image, the same refusals. */
import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { concatBytes } from "../../src/bytes/index.ts";
import { isFlatdeltaError } from "../../src/errors.ts";
import { type BlobStore, type OpenArchiveOptions, openArchive } from "../../src/image/archive.ts";
import { flattenImage, type Image, readDockerArchive, readOciArchive } from "../../src/image/index.ts";
import { type ReadImageStreamOptions, readImageStream } from "../../src/image/node.ts";
import { openArchiveStream } from "../../src/image/pipe.ts";
import {
  type ByteInput,
  memoryScratch,
  memorySource,
  readRange,
  type ScratchSpace,
} from "../../src/io/index.ts";
import {
  buildLayers,
  buildNewDockerArchive,
  buildOldDockerArchive,
  LayoutBuilder,
  named,
} from "./build-image.ts";
import {
  file,
  folder,
  hardLink,
  padToBlock,
  paxBytes,
  type RawEntry,
  rawEntry,
  rawTar,
  symlink,
} from "./tar-builder.ts";

/** `bytes` in pieces that do not outlive the next one, as a stream may give them. */
async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const part = bytes.subarray(at, at + pieceBytes);
    piece.set(part);
    yield piece.subarray(0, part.length);
    piece.fill(0xee);
  }
}

/** Scratch space that counts the files which are not released. */
function countedScratch(): { scratch: ScratchSpace; readonly open: number } {
  let open = 0;
  return {
    scratch: async () => {
      const inner = await memoryScratch();
      let released = false;
      open++;
      return {
        ...inner,
        release: async () => {
          if (!released) open--;
          released = true;
          await inner.release();
        },
      };
    },
    get open() {
      return open;
    },
  };
}

/** Read an archive by its stream, flatten it, and prove that nothing stays behind. */
async function flattenStream(input: ByteInput, options: ReadImageStreamOptions = {}): Promise<Buffer> {
  const counted = countedScratch();
  try {
    return await flatten(await readImageStream(input, { scratch: counted.scratch, ...options }));
  } finally {
    assert.equal(counted.open, 0, "no scratch file is left");
  }
}

async function flatten(image: Image): Promise<Buffer> {
  try {
    const flat = await flattenImage(image);
    return Buffer.from(await readRange(flat.source, 0, flat.source.size));
  } finally {
    await image.close();
  }
}

/** A zstd frame of stored blocks: runtimes without a zstd encoder make these too. */
function storeZstd(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50)];
  for (let at = 0; at < bytes.length; at += 1 << 16) {
    const block = bytes.subarray(at, at + (1 << 16));
    const head = block.length * 8 + (at + block.length === bytes.length ? 1 : 0);
    parts.push(Uint8Array.of(head % 256, Math.floor(head / 256) % 256, Math.floor(head / 65_536)), block);
  }
  return concatBytes(parts);
}

async function buildOciArchive(compressed: boolean): Promise<Uint8Array> {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const stored = compressed ? layers.map((layer) => new Uint8Array(gzipSync(layer))) : layers;
  return layout.finish([layout.addManifest(layers, named("v1"), { stored })]).tar();
}

describe("an image from a stream", () => {
  let expected: Buffer;
  const archives = new Map<string, Uint8Array>();
  const singly = new Set(["docker, layers as symlinks", "OCI, gzip layers, gzip", "docker 25, zstd"]);
  before(async () => {
    const layers = await buildLayers();
    expected = await flatten(await readDockerArchive(memorySource(await buildOldDockerArchive(layers))));
    archives.set("docker, layers as symlinks", await buildOldDockerArchive(layers));
    archives.set("docker, layers as hard links", await buildOldDockerArchive(layers, { linkType: "link" }));
    archives.set("docker 25", await buildNewDockerArchive(layers));
    archives.set("docker 25, gzip layers", await buildNewDockerArchive(layers, true));
    archives.set("OCI", await buildOciArchive(false));
    archives.set("OCI, gzip layers", await buildOciArchive(true));
    archives.set("flat", expected);
    for (const [name, bytes] of [...archives]) {
      archives.set(`${name}, gzip`, new Uint8Array(gzipSync(bytes)));
      archives.set(`${name}, zstd`, storeZstd(bytes));
    }
    const [old, half] = [archives.get("docker 25")!, 3000];
    const members = concatBytes([gzipSync(old.subarray(0, half)), gzipSync(old.subarray(half))]);
    archives.set("docker 25, gzip of two members", members);
  });

  for (const pieceBytes of [1, 100, 1000, 65_536]) {
    test(`is the image from the file, in pieces of ${pieceBytes}`, async () => {
      assert.equal(archives.size, 22);
      for (const [name, bytes] of archives) {
        // Single bytes take their time.
        if (pieceBytes === 1 && !singly.has(name)) continue;
        assert.ok((await flattenStream(inPieces(bytes, pieceBytes))).equals(expected), name);
      }
    });
  }

  test("is the same from every kind of input", async () => {
    const bytes = archives.get("docker 25, gzip")!;
    const copy = new Uint8Array(bytes);
    const inputs = {
      "bytes in memory": copy,
      "a source": memorySource(bytes),
      "a stream of Node's": Readable.from([copy.subarray(0, 777), copy.subarray(777)]),
      "a stream of the web's": new Blob([copy]).stream(),
    };
    for (const [name, input] of Object.entries(inputs)) {
      assert.ok((await flattenStream(input)).equals(expected), name);
    }
  });

  test("is one of several by its reference, the form being named or recognised", async () => {
    const [bytes, oci] = [archives.get("docker 25")!, archives.get("OCI")!];
    for (const options of [
      { reference: "app:1" },
      { transport: "docker-archive", reference: "@0" },
      { transport: "oci-archive", reference: "docker.io/library/app:1" },
    ] as const) {
      assert.ok((await flattenStream(bytes, options)).equals(expected), JSON.stringify(options));
    }
    assert.ok((await flattenStream(oci, { reference: "v1" })).equals(expected));
    for (const [input, options, code] of [
      [bytes, { reference: "app:2" }, "IMAGE_NOT_FOUND"],
      [oci, { reference: "v2" }, "IMAGE_NOT_FOUND"],
      [oci, { transport: "docker-archive" }, "BAD_MANIFEST"],
      [new Uint8Array(0), {}, "BAD_MANIFEST"],
      [Buffer.from("no archive"), {}, "TRUNCATED"],
      [Buffer.from("\xfd7zXZ\0 and so on", "latin1"), {}, "UNSUPPORTED_FEATURE"],
    ] as const) {
      await assert.rejects(flattenStream(input, options), { code }, JSON.stringify(options));
    }
    await assert.rejects(flattenStream(bytes, { platform: "?" }), RangeError);
  });

  test("is refused for every truncation as the file is", async () => {
    for (const [name, step] of [
      ["docker, layers as symlinks", 97],
      ["docker 25", 151],
      ["OCI, gzip layers", 127],
      ["OCI, gzip", 11],
      ["OCI, zstd", 113],
    ] as const) {
      const bytes = archives.get(name)!;
      for (let length = 0; length < bytes.length; length += step) {
        const cut = bytes.subarray(0, length);
        const read = name.startsWith("OCI") ? readOciArchive : readDockerArchive;
        const transport = name.startsWith("OCI") ? "oci-archive" : "docker-archive";
        const wanted = await codeOf(async () => flatten(await read(memorySource(cut))));
        const found = await codeOf(() => flattenStream(inPieces(cut, 300), { transport }));
        assert.equal(found, wanted, `${name}, ${length} of ${bytes.length} bytes`);
        assert.ok(wanted !== "" || length > 1536, "it was cut inside what counts");
      }
    }
  });
});

async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return "";
  } catch (error) {
    assert.ok(isFlatdeltaError(error), String(error));
    return error.code;
  }
}

type Contents = Record<string, string | undefined>;
type Outcome = { code: string; offset: number | undefined } | Contents;

/** What a store gives under some names, or why there is none. */
async function outcomeOf(open: () => Promise<BlobStore>, names: readonly string[]): Promise<Outcome> {
  try {
    const store = await open();
    try {
      const contents: Contents = {};
      for (const name of names) {
        const blob = await store.open(name);
        contents[name] = blob && Buffer.from(await readRange(blob, 0, blob.size)).toString("latin1");
      }
      return contents;
    } finally {
      await store.close();
    }
  } catch (error) {
    assert.ok(isFlatdeltaError(error), String(error));
    return { code: error.code, offset: error.offset };
  }
}

const NAMES = ["a", "b", "c", "d/e", "long", "link"];

/** Both readers' outcomes for the same bytes. */
async function compare(
  bytes: Uint8Array,
  options: OpenArchiveOptions = {},
  pieceBytes = 500,
): Promise<{ seeking: Outcome; streaming: Outcome }> {
  const counted = countedScratch();
  const { scratch } = counted;
  const seeking = await outcomeOf(() => openArchive(memorySource(bytes), options), NAMES);
  const streaming = await outcomeOf(
    () => openArchiveStream(inPieces(bytes, pieceBytes), { ...options, scratch }),
    NAMES,
  );
  assert.equal(counted.open, 0, "no scratch file is left");
  return { seeking, streaming };
}

/** The same contents, or a refusal for the same reason: but an unsafe name is seen before the end that is missing. */
function assertSameRefusal(streaming: Outcome, seeking: Outcome): void {
  if (!("code" in seeking)) assert.deepEqual(streaming, seeking);
  else if (seeking.code === "TRUNCATED" && "code" in streaming && streaming.code === "UNSAFE_PATH") return;
  else assert.equal((streaming as { code?: string }).code, seeking.code);
}

async function assertSame(bytes: Uint8Array, options: OpenArchiveOptions = {}, hint = ""): Promise<Outcome> {
  const { seeking, streaming } = await compare(bytes, options, bytes.length > 10_000 ? 50_000 : 500);
  assert.deepEqual(streaming, seeking, hint);
  return streaming;
}

const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed) % 251);

const END_MARK = new Uint8Array(1024);
const SMALL = [
  file("a", "first"),
  folder("d/"),
  file("d/e", noise(1200, 1), { pax: { path: "d/e", mtime: "1.5" } }),
  symlink("link", "d/e"),
  hardLink("b", "a"),
  file("a", "last"),
  file("c", noise(512, 2)),
];

const TINY = [file("d/e", noise(300, 1), { pax: { path: "d/e", mtime: "1.5" } }), symlink("link", "d/e")];

describe("the members of a stream", () => {
  test("are those of the file", async () => {
    const found = await assertSame(rawTar(SMALL));
    assert.deepEqual(
      Object.values(found as Contents).map((text) => text?.length),
      [4, 4, 512, 1200, undefined, 1200],
    );
  });

  test("may be large, of any size beside blocks, under long names", async () => {
    const longName = `${"x".repeat(90)}/`.repeat(40);
    const entries: RawEntry[] = [
      { type: "L", name: "././@LongLink", content: `${longName}\0` },
      file("short", noise(70_000, 3)),
      { type: "g", name: "global", content: Buffer.from(paxBytes({ comment: "c".repeat(70_000) })) },
      ...[0, 1, 511, 512, 513, 65_023, 65_024, 65_025, 65_536, 200_000].map((size, i) =>
        file("abcd".charAt(i) || `z${i}`, noise(size, i)),
      ),
      file("short", "", { pax: { path: `${"y".repeat(70_000).slice(0, 60_000)}` } }),
      { type: "K", name: "././@LongLink", content: `${longName}\0` },
      symlink("long", "short"),
    ];
    const found = await assertSame(rawTar(entries));
    assert.deepEqual(
      Object.values(found as Contents).map((text) => text?.length),
      [0, 1, 511, undefined, 70_000, undefined],
    );
  });

  test("end at the end mark, whatever follows", async () => {
    const rest = rawTar([file("b", "not there")]);
    const tar = rawTar([file("a", "there")]);
    for (const tail of [
      rest,
      noise(700, 9),
      noise(200_000, 9),
      END_MARK,
      new Uint8Array(9_000_000),
      new Uint8Array(5),
    ]) {
      const found = await assertSame(concatBytes([tar, tail]), {}, `${tail.length}`);
      assert.equal((found as Contents).a, "there");
    }
    const large = rawTar([file("a", noise(300_000, 1))]);
    await assertSame(concatBytes([large, rest]));
    for (const end of [new Uint8Array(0), new Uint8Array(512), new Uint8Array(700)]) {
      await assertSame(concatBytes([tar.subarray(0, 1024), end]), {}, `${end.length}`);
      await assertSame(concatBytes([tar.subarray(0, 1024), end, rest]), {}, `${end.length}, rest`);
    }
  });

  test("are refused for each truncation as in the file", async () => {
    const tar = rawTar(TINY);
    for (let length = 0; length <= tar.length; length++)
      await assertSame(tar.subarray(0, length), {}, `${length}`);
  });

  test("are refused for each damaged byte as in the file", async () => {
    const tar = rawTar(TINY);
    for (let at = 0; at < tar.length; at++) {
      const damaged = Uint8Array.from(tar);
      damaged[at]! ^= 1 + (at % 255);
      await assertSame(damaged, {}, `byte ${at}`);
    }
  });

  test("are refused for hostile headers as in the file", async () => {
    const base256 = (first: number, last: number) => (block: Uint8Array) => {
      block.fill(0, 124, 136);
      block[124] = first;
      block[135] = last;
    };
    const bad: RawEntry[][] = [
      [file("../a", "x")],
      [symlink("a", "../../b")],
      [file("a", "x", { type: "Z" })],
      [file("a", "x", { pax: { path: "" } })],
      [file("a", "x", { pax: { size: "-1" } })],
      [file("a", "x", { pax: { size: "1e3" } })],
      [file("a", "x", { pax: { size: "9007199254740993" } })],
      [file("a", "x", { pax: { size: "5000" } })],
      [file("a", "", { edit: base256(0x80, 200) })],
      [file("a", "", { edit: base256(0x90, 1) })],
      [file("a", "", { edit: base256(0xff, 1) })],
      [file("a", "", { edit: base256(0xc0, 1) })],
      [file("a", "x", { edit: (block) => block.fill(0x39, 124, 135) })],
      [file("a", "x", { edit: (block) => block.fill(0x39, 100, 107) })],
      [{ type: "x", name: "x", content: "12 noequals\n" }, file("a", "x")],
      [{ type: "x", name: "x", content: "nolength" }, file("a", "x")],
      [{ type: "x", name: "x", content: noise(1_100_000, 1) }, file("a", "x")],
      [{ type: "L", name: "x", content: noise(5_000_000, 1) }, file("a", "x")],
      [{ type: "L", name: "x", content: "y".repeat(66_000) }, file("a", "x")],
      [{ type: "L", name: "x", edit: base256(0x90, 1) }, file("a", "x")],
    ];
    for (const [i, entries] of bad.entries()) {
      const hint = `case ${i}`;
      const found = await assertSame(
        rawTar([file("c", "y"), ...entries, file("d/e", noise(300, 4))]),
        {},
        hint,
      );
      assert.ok("code" in found || entries[0]!.pax?.path === "", hint);
    }
  });

  test("are refused by an unsafe name as soon as it comes, although the rest is missing", async () => {
    const { seeking, streaming } = await compare(rawEntry({ name: "../a", sizeBytes: 1 }));
    assert.equal((seeking as { code: string }).code, "TRUNCATED");
    assert.equal((streaming as { code: string }).code, "UNSAFE_PATH");
  });

  test("that two readers understand differently are refused, never misread", async () => {
    const sparse = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9000" };
    const doubtful: RawEntry[][] = [
      [file("a", padToBlock(Buffer.from("1\n8000\n1000\n")), { pax: sparse, sizeBytes: 512 })],
      [{ type: "2", name: "a", linkName: "b", sizeBytes: 700 }, file("b", noise(700, 4))],
      [{ type: "g", name: "g", content: paxBytes({ size: "3" }) }, file("a", "x", { pax: { mtime: "1" } })],
      [{ type: "x", name: "x" }, file("a", noise(700, 4)), file("b", "x")],
    ];
    for (const entries of doubtful) {
      const { seeking, streaming } = await compare(concatBytes([...entries.map(rawEntry), END_MARK]));
      if ("code" in streaming) assert.equal(streaming.code, "BAD_ENTRY");
      else assert.deepEqual(streaming, seeking);
    }
    // A global header's size is none of the member's: nobody may read "x" and two bytes more.
    const { streaming } = await compare(rawTar(doubtful[2]!));
    assert.equal((streaming as { code: string }).code, "BAD_ENTRY");
  });

  test("are those of the file or refused, whatever the bytes", async () => {
    const types = fc.constantFrom("0", "\0", "1", "2", "5", "7", "x", "g", "L", "K", "S", "D");
    const entry = fc
      .record({
        type: types,
        name: fc.constantFrom("a", "b", "c", "d/e", "link", "./a", "../a"),
        linkName: fc.constantFrom("", "a", "b", "link", "../x"),
        content: fc.uint8Array({ maxLength: 1100 }),
        records: fc.dictionary(
          fc.constantFrom("path", "size", "linkpath", "mtime", "GNU.sparse.map"),
          fc.constantFrom("", "a", "3", "700", "-5", "0,1"),
        ),
        usePax: fc.boolean(),
        useSize: fc.boolean(),
        sizeBytes: fc.nat(1200),
      })
      .map(({ type, name, linkName, content, records, usePax, useSize, sizeBytes }) => {
        const isFile = type === "0" || type === "\0" || type === "7" || type === "S";
        const isPax = type === "x" || type === "g";
        const made: RawEntry = {
          type,
          name,
          linkName,
          content: isPax ? paxBytes(records) : isFile || type === "L" ? content : "",
        };
        if (usePax && isFile) made.pax = records;
        if (useSize) made.sizeBytes = sizeBytes;
        return rawEntry(made);
      });
    const archive = fc.tuple(fc.array(entry, { maxLength: 6 }), fc.constantFrom(0, 512, 1024, 1500, 4096));
    let [same, total] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        archive,
        fc.integer({ min: 1, max: 3000 }),
        async ([entries, endBytes], pieceBytes) => {
          const bytes = concatBytes([...entries, new Uint8Array(endBytes)]);
          const { seeking, streaming } = await compare(bytes, {}, pieceBytes);
          total++;
          if ("code" in streaming && streaming.code === "BAD_ENTRY") return;
          assertSameRefusal(streaming, seeking);
          same++;
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(same > total / 2, `${same} of ${total} were no doubtful ones`);
  });

  test("are limited in number and bytes", async () => {
    const tar = rawTar(SMALL);
    await assertSame(tar, { limits: { archiveMembers: 7 } });
    const found = await assertSame(tar, { limits: { archiveMembers: 6 } });
    assert.equal((found as { code: string }).code, "COUNT_LIMIT");
    for (const bytes of [tar, new Uint8Array(gzipSync(tar))]) {
      const exact = { limits: { decompressedBytes: tar.length } };
      assert.ok("a" in (await compare(bytes, exact)).streaming);
      const over = await compare(bytes, { limits: { decompressedBytes: tar.length - 1 } });
      assert.equal((over.streaming as { code: string }).code, "SIZE_LIMIT");
    }
    const extended = rawEntry({ type: "x", name: "x", content: paxBytes({ comment: "c".repeat(900_000) }) });
    const endless = concatBytes([
      ...Array<Uint8Array>(11).fill(extended),
      rawEntry(file("a", "x")),
      END_MARK,
    ]);
    const many = await compare(endless);
    assert.equal((many.streaming as { code: string }).code, "SIZE_LIMIT");
  });
});

describe("a stream that does not go on", () => {
  /** Gives `bytes` and then neither more nor an end. */
  function stalled(bytes: Uint8Array): { input: AsyncIterable<Uint8Array>; readonly asked: Promise<void> } {
    let onAsked = (): void => {};
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    async function* pieces() {
      yield bytes;
      onAsked();
      await new Promise(() => {});
    }
    return { input: pieces(), asked };
  }

  for (const [name, pack] of [
    ["plain", (bytes: Uint8Array) => bytes],
    ["gzip", (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes))],
    ["zstd", storeZstd],
  ] as const) {
    test(`is left when aborted (${name})`, async () => {
      const whole = pack(rawTar([file("a", noise(300_000, 1))]));
      const { input, asked } = stalled(whole.subarray(0, whole.length - 2000));
      const [counted, controller, reason] = [countedScratch(), new AbortController(), new Error("enough")];
      const opening = openArchiveStream(input, { scratch: counted.scratch, signal: controller.signal });
      const settled = assert.rejects(opening, reason);
      await asked;
      assert.equal(counted.open, 1);
      controller.abort(reason);
      await settled;
      assert.equal(counted.open, 0);
    });

    test(`is left when what came is wrong (${name})`, async () => {
      // More than one block, since blocks are looked at when they are full.
      const more = noise(2_000_000, 1);
      for (const [bytes, limits, code] of [
        [concatBytes([rawEntry(file("../a", "x")), more]), {}, "UNSAFE_PATH"],
        [concatBytes([rawEntry(file("a", "x")), more]), {}, "BAD_TAR_HEADER"],
        [rawTar([file("a", more)]), { decompressedBytes: 1_000_000 }, "SIZE_LIMIT"],
        [concatBytes([rawTar([file("a", "x")]), more]), { decompressedBytes: 1_000_000 }, "SIZE_LIMIT"],
      ] as const) {
        const packed = pack(bytes);
        const counted = countedScratch();
        const { input } = stalled(packed.subarray(0, packed.length - 10));
        await assert.rejects(openArchiveStream(input, { scratch: counted.scratch, limits }), { code });
        assert.equal(counted.open, 0);
      }
    });
  }

  test("is destroyed, whosever kind of stream it is", async () => {
    for (const isWeb of [false, true]) {
      let cancelled: unknown;
      const node = new PassThrough();
      const web = new ReadableStream<Uint8Array>({
        pull: () => new Promise(() => {}),
        cancel: (reason) => {
          cancelled = reason ?? "no reason";
        },
      });
      const controller = new AbortController();
      const opening = openArchiveStream(isWeb ? web : node, { signal: controller.signal });
      const settled = assert.rejects(opening, { name: "AbortError" });
      setImmediate(() => controller.abort());
      await settled;
      await new Promise(setImmediate);
      assert.ok(isWeb ? cancelled !== undefined : node.destroyed, isWeb ? "web" : "node");
    }
  });

  test("is not begun when aborted before, and tells its own errors", async () => {
    const node = new PassThrough();
    await assert.rejects(openArchiveStream(node, { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.ok(node.destroyed);
    const broken = new Error("the wire was cut");
    for (const bytes of [rawTar(SMALL).subarray(0, 1500), gzipSync(rawTar(SMALL)).subarray(0, 200)]) {
      const counted = countedScratch();
      async function* pieces() {
        yield new Uint8Array(bytes);
        throw broken;
      }
      await assert.rejects(openArchiveStream(pieces(), { scratch: counted.scratch }), broken);
      assert.equal(counted.open, 0);
    }
    const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
    const scratch: ScratchSpace = async () => ({
      ...(await memoryScratch()),
      write: () => Promise.reject(full),
    });
    await assert.rejects(openArchiveStream(rawTar(SMALL), { scratch }), full);
    await assert.rejects(openArchiveStream(Readable.from(["text"])), TypeError);
  });

  test("is read to its end, so that its writer is not cut off", async () => {
    let given = 0;
    async function* pieces() {
      yield rawTar(SMALL);
      for (; given < 100; given++) yield new Uint8Array(10_000);
    }
    await (await openArchiveStream(pieces())).close();
    assert.equal(given, 100);
  });
});
