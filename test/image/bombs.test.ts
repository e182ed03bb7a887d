/** Images that are small and mean to become large: each stops at a limit, before memory or disk suffer. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { concatBytes } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { spoolDecompressed } from "../../src/image/decompress.ts";
import { flattenImage, readDockerArchive, readOciArchive } from "../../src/image/index.ts";
import { readTarIndex, type TarLimits } from "../../src/image/tar/index.ts";
import { createMemoryScratch, memorySource, type ScratchSpace, type Source } from "../../src/io/index.ts";
import {
  buildLayers,
  buildNewDockerArchive,
  buildTar,
  type Descriptor,
  json,
  LayoutBuilder,
} from "./build-image.ts";
import {
  file,
  folder,
  hardLink,
  headerBlock,
  type RawEntry,
  rawEntry,
  rawTar,
  symlink,
} from "./tar-builder.ts";
import { imageOfEntries, mergeEntries } from "./tree-lines.ts";

/** A source of any size that is one piece over and over, and knows how much was read of it. */
function endless(piece: Uint8Array, size: number): Source & { readonly bytesRead: number } {
  let bytesRead = 0;
  return {
    size,
    get bytesRead() {
      return bytesRead;
    },
    read: async (offset, into) => {
      bytesRead += into.length;
      for (let i = 0; i < into.length; i++) into[i] = piece[(offset + i) % piece.length]!;
    },
  };
}

/** Scratch space that keeps nothing, and knows how much it was given. */
function countedScratch(): { scratch: ScratchSpace; readonly bytesWritten: number; readonly open: number } {
  let [bytesWritten, open] = [0, 0];
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    get open() {
      return open;
    },
    scratch: async () => {
      open++;
      return {
        write: async (bytes) => {
          bytesWritten += bytes.length;
        },
        finish: async () => memorySource(new Uint8Array(0)),
        release: async () => {
          open--;
        },
      };
    },
  };
}

async function walk(source: Source, limits: TarLimits = {}): Promise<number> {
  let count = 0;
  for await (const _ of readTarIndex(source, limits)) count++;
  return count;
}

const repeated = (bytes: Uint8Array, times: number): Uint8Array =>
  concatBytes(Array.from({ length: times }, () => bytes));

const FREE_BYTES = 2 ** 30;

describe("a compressed layer", () => {
  test("that is a gzip bomb stops at 1 GiB and 200 times its size", async () => {
    const bomb = repeated(new Uint8Array(gzipSync(new Uint8Array(2 ** 22))), 400);
    const counted = countedScratch();
    await assert.rejects(spoolDecompressed(memorySource(bomb), "gzip", { scratch: counted.scratch }), {
      code: ErrorCode.SIZE_LIMIT,
      message: /limits\.expansion/,
    });
    assert.ok(counted.bytesWritten <= FREE_BYTES + 200 * bomb.length);
    assert.equal(counted.open, 0);
  });

  test("that is a zstd bomb stops at 1 GiB and 200 times its size", async () => {
    // A frame with a window of 128 KiB, and blocks of 128 KiB of one byte, four bytes each; none is the last.
    const header = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3);
    const bytes = 2 ** 17;
    const block = Uint8Array.of(((bytes << 3) | (1 << 1)) & 0xff, (bytes >> 5) & 0xff, bytes >> 13, 0);
    const bomb = concatBytes([header, repeated(block, 10_000)]);
    const counted = countedScratch();
    await assert.rejects(spoolDecompressed(memorySource(bomb), "zstd", { scratch: counted.scratch }), {
      code: ErrorCode.SIZE_LIMIT,
      message: /limits\.expansion/,
    });
    assert.ok(counted.bytesWritten <= FREE_BYTES + 200 * bomb.length);
  });

  test("that goes to memory stops at what memory may hold", async () => {
    const archive = await buildNewDockerArchive(await buildLayers(), true);
    const image = await readDockerArchive(memorySource(archive), { scratch: createMemoryScratch(1000) });
    await assert.rejects(flattenImage(image), { code: ErrorCode.MEMORY_LIMIT });
    await image.close();
  });

  test("shares its limit with the image's other layers", async () => {
    const layers = await buildLayers();
    const archive = memorySource(await buildNewDockerArchive(layers, true));
    const sizes = layers.map(({ length }) => length);
    const all = sizes[0]! + sizes[1]!;
    const image = await readDockerArchive(archive, { limits: { decompressedBytes: all } });
    await flattenImage(image);
    await image.close();
    const less = await readDockerArchive(archive, { limits: { decompressedBytes: all - 1 } });
    await assert.rejects(flattenImage(less), { code: ErrorCode.SIZE_LIMIT });
    await less.close();
  });
});

describe("a tar", () => {
  test("of a million entries and more stops where they are too many", async () => {
    const source = endless(rawEntry(file("a")), 512 * 2 ** 33);
    await assert.rejects(walk(source, { maxEntries: 5000 }), { code: ErrorCode.COUNT_LIMIT });
    assert.ok(source.bytesRead < 512 * 5100);
  });

  test("with a PAX header of gigabytes is refused before any of it is read", async () => {
    for (const type of ["x", "L", "K"]) {
      const header = headerBlock({ type, name: "x", sizeBytes: 2 ** 32 });
      const source = endless(header, 2 ** 34);
      await assert.rejects(walk(source), { code: ErrorCode.SIZE_LIMIT });
      assert.ok(source.bytesRead <= 4096);
    }
  });

  test("with a PAX header of 2^63 bytes in base 256 is refused as no number", async () => {
    const edit = (block: Uint8Array): void => {
      block.fill(0xff, 124, 136);
      block[124] = 0x80;
    };
    await assert.rejects(walk(memorySource(headerBlock({ type: "x", name: "x", edit }))), {
      code: ErrorCode.BAD_TAR_HEADER,
    });
  });

  test("with one extended header after another keeps none but the last", async () => {
    const pax = rawEntry({ type: "x", name: "x", content: `${"27 path=a"}${"b".repeat(17)}\n` });
    const source = endless(pax, pax.length * 3000);
    await assert.rejects(walk(source), { code: ErrorCode.TRUNCATED });
    assert.ok(source.bytesRead <= source.size + 2 ** 16);
  });

  for (const [what, pax] of [
    ["names", { path: "p".repeat(60_000) }],
    ["links", { linkpath: "p".repeat(60_000) }],
    ["attributes", { "SCHILY.xattr.user.x": "v".repeat(60_000) }],
  ] as const) {
    test(`of long ${what} stops before they fill the memory`, async () => {
      const entry = rawEntry({ ...symlink("s", "t"), pax });
      const source = endless(entry, entry.length * 2 ** 20);
      await assert.rejects(walk(source, { maxNameBytes: 2 ** 20 }), { code: ErrorCode.MEMORY_LIMIT });
      assert.ok(source.bytesRead < 2 ** 21);
    });
  }

  test("with a sparse map of many parts stops before it fills the memory", async () => {
    const map = Array.from({ length: 5000 }, (_, i) => `${2 * i},1`).join(",");
    const pax = {
      "GNU.sparse.map": map,
      "GNU.sparse.size": "10000",
      "GNU.sparse.major": "0",
      "GNU.sparse.minor": "1",
    };
    const tar = memorySource(rawTar([file("s", new Uint8Array(5000), { pax })]));
    assert.equal(await walk(tar), 1);
    await assert.rejects(walk(tar, { maxNameBytes: 2 ** 20 }), { code: ErrorCode.MEMORY_LIMIT });
  });
});

describe("a tree", () => {
  const long = (entry: RawEntry): RawEntry => {
    const { name, linkName, ...rest } = entry;
    const pax = { path: name, ...(linkName === undefined ? {} : { linkpath: linkName }) };
    return { ...rest, name: "x", pax };
  };

  test("of paths without end stops where they are too deep", async () => {
    await assert.rejects(mergeEntries([[long(file(`${"a/".repeat(2000)}f`))]]), {
      code: ErrorCode.COUNT_LIMIT,
    });
  });

  test("of folders that no entry makes stops where they are too many", async () => {
    const entries = Array.from({ length: 40 }, (_, i) => long(file(`${i}/${"a/".repeat(90)}f`)));
    await assert.rejects(mergeEntries([entries], { maxEntries: 1000 }), { code: ErrorCode.COUNT_LIMIT });
  });

  test("of symlinks that lead through each other stops before it takes hours", async () => {
    const maze = [long(symlink("s", `${"./".repeat(20_000)}d`)), folder("d")];
    const files = Array.from({ length: 100 }, (_, i) => file(`s/${i}`));
    await assert.rejects(mergeEntries([[...maze, ...files]], { maxLookups: 100_000 }), {
      code: ErrorCode.COUNT_LIMIT,
    });
    await mergeEntries([[...maze, ...files.slice(0, 3)]], { maxLookups: 100_000 });
  });

  test("of many layers shares one limit for names", async () => {
    const layer = [long(file("n".repeat(600)))];
    await mergeEntries([layer], { maxNameBytes: 1000 });
    await assert.rejects(mergeEntries([layer, layer], { maxNameBytes: 1000 }), {
      code: ErrorCode.MEMORY_LIMIT,
    });
  });

  test("of a deep folder with many files stops before its headers fill the memory", async () => {
    const deep = "d".repeat(200);
    const entries = [
      symlink("s", `${deep}/${deep}`),
      ...Array.from({ length: 500 }, (_, i) => file(`s/${i}`)),
    ];
    const wide = imageOfEntries([entries.map((entry) => (entry.name === "s" ? long(entry) : entry))]);
    await assert.rejects(flattenImage(wide, { maxHeaderBytes: 2 ** 18 }), { code: ErrorCode.MEMORY_LIMIT });
    await flattenImage(wide);
  });

  test("with a file that is one large hole stops before anybody reads it", async () => {
    const pax = {
      "GNU.sparse.major": "0",
      "GNU.sparse.minor": "1",
      "GNU.sparse.map": "0,0",
      "GNU.sparse.size": String(2 ** 50),
    };
    await assert.rejects(flattenImage(imageOfEntries([[file("hole", "", { pax })]])), {
      code: ErrorCode.SIZE_LIMIT,
    });
  });

  test("of one file under many names is as large as one file", async () => {
    const links = Array.from({ length: 300 }, (_, i) => hardLink(`l${i}`, "a"));
    const { source } = await flattenImage(imageOfEntries([[file("a", new Uint8Array(100_000)), ...links]]));
    assert.ok(source.size < 100_000 + 512 * 330 + 10_000);
  });
});

describe("a manifest", () => {
  test("of brackets without end is refused before it is parsed", async () => {
    const archive = await buildTar([["manifest.json", "[".repeat(1_000_000)]]);
    await assert.rejects(readDockerArchive(memorySource(archive)), { code: ErrorCode.BAD_MANIFEST });
  });

  test("of more bytes than a document may have is refused before it is read", async () => {
    const header = headerBlock({ name: "manifest.json", sizeBytes: 2 ** 32 });
    const source = endless(header, 2 ** 32 + 512);
    await assert.rejects(readDockerArchive(source), { code: ErrorCode.SIZE_LIMIT });
    assert.ok(source.bytesRead < 2 ** 20);
  });

  test("that an index names over and over is not read over and over", async () => {
    const layout = new LayoutBuilder();
    const padding = " ".repeat(2000);
    const manifest: Descriptor = layout.add(json({ layers: [], padding }), "");
    layout.finish(Array.from({ length: 900 }, () => manifest));
    const archive = memorySource(await layout.tar());
    await assert.rejects(readOciArchive(archive, { limits: { jsonBytes: 2 ** 17 } }), {
      code: ErrorCode.SIZE_LIMIT,
      message: /in all/,
    });
  });

  test("of indexes inside indexes stops where they are too deep", async () => {
    const layout = new LayoutBuilder();
    let inner = layout.addManifest(await buildLayers());
    for (let depth = 0; depth < 50; depth++) inner = layout.addIndex([inner]);
    layout.finish([inner]);
    await assert.rejects(readOciArchive(memorySource(await layout.tar())), { code: ErrorCode.COUNT_LIMIT });
  });
});

test("an archive whose members' names fill the memory is refused", async () => {
  const entry = rawEntry(file("x", "", { pax: { path: "p".repeat(60_000) } }));
  const source = endless(entry, entry.length * 90_000);
  await assert.rejects(readDockerArchive(source, { limits: { maxNameBytes: 2 ** 20 } }), {
    code: ErrorCode.MEMORY_LIMIT,
  });
  assert.ok(source.bytesRead < 2 ** 22);
});

test("limits that are given reach the tars of layers", async () => {
  const archive = memorySource(await buildNewDockerArchive(await buildLayers()));
  for (const limits of [
    { maxEntries: 1, archiveMembers: 100 },
    { maxPathBytes: 3, archiveMembers: 100 },
  ]) {
    const open = async (): Promise<void> => {
      const image = await readDockerArchive(archive, { limits });
      await flattenImage(image).finally(() => image.close());
    };
    await assert.rejects(open, { name: "LimitError" });
  }
});
