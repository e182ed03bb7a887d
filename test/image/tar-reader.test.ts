import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pack } from "tar-stream";
import { concatBytes } from "../../src/bytes/index.ts";
import { isFlatdeltaError } from "../../src/errors.ts";
import { entryContent } from "../../src/image/content.ts";
import {
  encodeBinary,
  encodePaxRecord,
  formatPaxTime,
  parsePaxRecords,
  parsePaxTime,
  readTarIndex,
  scanTar,
  type TarEntry,
  type TarLimits,
} from "../../src/image/tar/index.ts";
import { concatSources, memorySource, readRange, type Source, zeroSource } from "../../src/io/index.ts";
import {
  file,
  fixChecksum,
  folder,
  hardLink,
  headerBlock,
  padToBlock,
  rawEntry,
  rawTar,
  symlink,
} from "./tar-builder.ts";

type Reader = (source: Source, limits?: TarLimits) => AsyncIterable<TarEntry>;
const READERS: readonly [string, Reader][] = [
  ["readTarIndex", readTarIndex],
  ["scanTar", scanTar],
];

async function readTar(bytes: Uint8Array | Source, limits: TarLimits = {}, reader: Reader = readTarIndex) {
  const source = bytes instanceof Uint8Array ? memorySource(bytes) : bytes;
  const entries: TarEntry[] = [];
  for await (const entry of reader(source, limits)) entries.push(entry);
  return entries;
}

async function contentOf(tar: Uint8Array, entry: TarEntry): Promise<string> {
  const content = entryContent(memorySource(tar), entry);
  return Buffer.from(await readRange(content, 0, content.size)).toString("latin1");
}

const hasCode = (code: string) => (error: unknown) => isFlatdeltaError(error) && error.code === code;

for (const [name, reader] of READERS) {
  describe(name, () => {
    const read = (bytes: Uint8Array | Source, limits: TarLimits = {}) => readTar(bytes, limits, reader);

    test("tells type, names, metadata and place of every entry", async () => {
      const tar = rawTar([
        folder("d/", { mode: 0o1755, uid: 7, gid: 8, mtimeSeconds: 99 }),
        file("d/f", "hello", { mode: 0o4711 }),
        hardLink("d/h", "d/f"),
        symlink("s", "../x"),
        { type: "3", name: "c", deviceMajor: 5, deviceMinor: 1 },
        { type: "4", name: "b", deviceMajor: 8, deviceMinor: 300 },
        { type: "6", name: "p" },
        { type: "\0", name: "old" },
        { type: "\0", name: "old-folder/" },
        { type: "7", name: "contiguous", content: "x" },
      ]);
      const entries = await read(tar);
      assert.deepEqual(
        entries.map(({ header }) => [header.type, header.name, header.linkName]),
        [
          ["directory", "d/", ""],
          ["file", "d/f", ""],
          ["hardlink", "d/h", "d/f"],
          ["symlink", "s", "../x"],
          ["character", "c", ""],
          ["block", "b", ""],
          ["fifo", "p", ""],
          ["file", "old", ""],
          ["directory", "old-folder/", ""],
          ["file", "contiguous", ""],
        ],
      );
      const [first, second] = entries;
      assert.deepEqual(
        [first!.header.mode, first!.header.uid, first!.header.gid, first!.header.mtimeSeconds],
        [0o1755, 7, 8, 99],
      );
      assert.equal(second!.header.mode, 0o4711);
      assert.deepEqual([second!.headerOffset, second!.contentOffset, second!.contentBytes], [512, 1024, 5]);
      assert.deepEqual([entries[5]!.header.deviceMajor, entries[5]!.header.deviceMinor], [8, 300]);
      assert.equal(await contentOf(tar, second!), "hello");
    });

    test("reads what tar-stream writes, long names included", async () => {
      const packer = pack();
      const long = `${"very-long-folder-name/".repeat(20)}ü`;
      packer.entry({ name: long, mtime: new Date(5000), uid: 3 }, "content");
      packer.entry({ name: "l", type: "symlink", linkname: long });
      packer.finalize();
      const parts: Uint8Array[] = [];
      for await (const part of packer) parts.push(part as Uint8Array);
      const [entry, link] = await read(concatBytes(parts));
      const binary = Buffer.from(long).toString("latin1");
      assert.equal(entry!.header.name, binary);
      assert.equal(entry!.header.mtimeSeconds, 5);
      assert.equal(link!.header.linkName, binary);
    });

    test("applies PAX records, binary attributes untouched", async () => {
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      const tar = rawTar([
        file("short", "abc", {
          pax: {
            path: "a/\xff\xfe",
            mtime: "-1.25",
            uid: "4294967294",
            "SCHILY.xattr.security.capability": value,
            "SCHILY.xattr.user.x": "1",
            comment: "ignored",
          },
        }),
        file("next"),
      ]);
      const [{ header }, next] = (await read(tar)) as [TarEntry, TarEntry];
      assert.equal(header.name, "a/\xff\xfe");
      assert.deepEqual([header.mtimeSeconds, header.mtimeNanoseconds], [-2, 750_000_000]);
      assert.equal(header.uid, 4294967294);
      assert.deepEqual([...header.xattrs.keys()], ["security.capability", "user.x"]);
      assert.deepEqual(header.xattrs.get("security.capability"), value);
      assert.deepEqual([next.header.name, next.header.mtimeSeconds, next.header.xattrs.size], ["next", 1, 0]);
    });

    test("applies GNU long names and skips global headers", async () => {
      const name = "n".repeat(300);
      const link = "l".repeat(700);
      const tar = concatBytes([
        rawEntry({ type: "g", name: "global", content: "12 path=abc\n" }),
        rawEntry({ type: "L", name: "././@LongLink", content: `${name}\0` }),
        rawEntry({ type: "K", name: "././@LongLink", content: `${link}\0` }),
        rawTar([symlink("short", "short")]),
      ]);
      const [entry, ...more] = await read(tar);
      assert.deepEqual(
        [entry!.header.name, entry!.header.linkName, entry!.headerOffset, more.length],
        [name, link, 1024, 0],
      );
    });

    test("reads numbers in base 256", async () => {
      const tar = rawTar([
        file("f", "", {
          edit: (block) => {
            block.set([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe], 108);
            block.fill(0xff, 136, 147);
            block[147] = 0xfe;
          },
        }),
      ]);
      const [entry] = await read(tar);
      assert.equal(entry!.header.uid, 0xfffffffe);
      assert.equal(entry!.header.mtimeSeconds, -2);
    });

    test("reads a file over 8 GiB, by base 256 and by PAX", async () => {
      const size = 2 ** 33 + 5;
      const gnu = headerBlock(
        file("gnu", "", { edit: (block) => block.set([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5], 124) }),
      );
      const pax = rawEntry(file("pax", "", { pax: { size: String(size) } }));
      const hole = zeroSource(size + 507);
      const end = zeroSource(1024);
      const source = concatSources([memorySource(gnu), hole, memorySource(pax), hole, end]);
      const entries = await readTar(source);
      assert.deepEqual(
        entries.map(({ header }) => [header.name, header.sizeBytes]),
        [
          ["gnu", size],
          ["pax", size],
        ],
      );
    });

    test("reads sparse files of all formats as dense", async () => {
      const dense = `${"\0".repeat(1000)}abc${"\0".repeat(997)}defg${"\0".repeat(10)}`;
      const octal = (value: number) => encodeBinary(`${value.toString(8).padStart(11, "0")}\0`);
      const gnu = headerBlock({
        type: "S",
        name: "gnu",
        content: "abcdefg",
        edit: (block) => {
          block.set(encodeBinary("ustar  \0"), 257);
          block.set(octal(1000), 386);
          block.set(octal(3), 398);
          block[482] = 1;
          block.set(octal(dense.length), 483);
        },
      });
      const gnuMore = new Uint8Array(512);
      gnuMore.set(octal(2000), 0);
      gnuMore.set(octal(4), 12);
      gnuMore.set(octal(dense.length), 24);
      gnuMore.set(octal(0), 36);
      const map = `3\n1000\n3\n2000\n4\n${dense.length}\n0\n`;
      const repeated = [1000, 3, 2000, 4].map((value, i) =>
        encodePaxRecord(
          i % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes",
          encodeBinary(String(value)),
        ),
      );
      const pax00 = concatBytes([
        encodePaxRecord("GNU.sparse.size", encodeBinary(String(dense.length))),
        ...repeated,
      ]);
      const tar = concatBytes([
        gnu,
        gnuMore,
        padToBlock(encodeBinary("abcdefg")),
        rawEntry({ type: "x", name: "x", content: pax00 }),
        rawEntry(file("pax00", "abcdefg")),
        rawEntry(
          file("GNUSparseFile.1/pax01", "abcdefg", {
            pax: {
              "GNU.sparse.size": String(dense.length),
              "GNU.sparse.map": "1000,3,2000,4",
              "GNU.sparse.name": "pax01",
            },
          }),
        ),
        rawTar([
          file("GNUSparseFile.2/pax10", `${map.padEnd(512, "\0")}abcdefg`, {
            pax: {
              "GNU.sparse.major": "1",
              "GNU.sparse.minor": "0",
              "GNU.sparse.name": "pax10",
              "GNU.sparse.realsize": String(dense.length),
            },
          }),
        ]),
      ]);
      const entries = await read(tar);
      assert.deepEqual(
        entries.map(({ header }) => header.name),
        ["gnu", "pax00", "pax01", "pax10"],
      );
      for (const entry of entries) {
        assert.equal(entry.header.sizeBytes, dense.length);
        assert.equal(await contentOf(tar, entry), dense, entry.header.name);
      }
    });

    test("accepts an archive without its end mark, but only behind a whole entry", async () => {
      const entry = rawEntry(file("f", "x".repeat(600)));
      assert.equal((await read(entry)).length, 1);
      assert.equal((await read(new Uint8Array(0))).length, 0);
      for (const length of [1, 511, 513, 1112, 1535]) {
        await assert.rejects(read(entry.subarray(0, length)), hasCode("TRUNCATED"), String(length));
      }
      const withPax = rawEntry(file("f", "", { pax: { path: "g" } }));
      await assert.rejects(read(withPax.subarray(0, 1024)), hasCode("TRUNCATED"));
    });

    test("refuses what is no tar", async () => {
      await assert.rejects(read(new Uint8Array(2048).fill(0x41)), hasCode("BAD_TAR_HEADER"));
      const zeroThenMore = concatBytes([new Uint8Array(512), rawEntry(file("f"))]);
      await assert.rejects(read(zeroThenMore), hasCode("BAD_TAR_HEADER"));
      const paxThenEnd = concatBytes([
        rawEntry(file("f", "", { pax: { path: "g" } })).subarray(0, 1024),
        new Uint8Array(1024),
      ]);
      await assert.rejects(read(paxThenEnd), hasCode("BAD_TAR_HEADER"));
      await assert.rejects(read(rawTar([{ type: "V", name: "volume" }])), hasCode("BAD_ENTRY"));
      await assert.rejects(
        read(rawTar([file("f", "", { pax: { path: "a\0b" } })])),
        hasCode("BAD_TAR_HEADER"),
      );
      const sparse = { "GNU.sparse.size": "10", "GNU.sparse.map": "5,3,2,4" };
      await assert.rejects(read(rawTar([file("f", "1234567", { pax: sparse })])), hasCode("BAD_TAR_HEADER"));
    });

    test("keeps its limits", async () => {
      const tar = rawTar([file("a"), file("b", "", { pax: { path: "p".repeat(2000) } })]);
      await assert.rejects(read(tar, { maxEntries: 1 }), hasCode("COUNT_LIMIT"));
      await assert.rejects(read(tar, { maxPathBytes: 1999 }), hasCode("SIZE_LIMIT"));
      await assert.rejects(read(tar, { maxExtendedHeaderBytes: 1000 }), hasCode("SIZE_LIMIT"));
      assert.equal((await read(tar, { maxEntries: 2, maxPathBytes: 2000 })).length, 2);
      // The size that a header claims is refused before anything is read or allocated.
      const huge = headerBlock({
        type: "L",
        name: "x",
        edit: (block) => block.set(encodeBinary("77777777777"), 124),
      });
      await assert.rejects(read(huge), hasCode("SIZE_LIMIT"));
    });
  });
}

test("any flipped byte and any truncation gives an error with a code or another reading, never a crash", async () => {
  const tar = rawTar([
    folder("d/"),
    file("d/f", "hello", { pax: { mtime: "1.5", "SCHILY.xattr.user.x": "\0\xff" } }),
    file("GNUSparseFile.2/s", `${"1\n3\n2\n".padEnd(512, "\0")}ab`, {
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" },
    }),
    hardLink("h", "d/f"),
  ]);
  const attempt = async (bytes: Uint8Array) => {
    try {
      await readTar(bytes);
    } catch (error) {
      assert.ok(isFlatdeltaError(error), String(error));
    }
  };
  for (let at = 0; at < tar.length; at++) {
    const damaged = tar.slice();
    damaged[at]! ^= 1 << (at % 8);
    await attempt(damaged);
    // With the checksum put right, the fields themselves are what is wrong.
    fixChecksum(damaged.subarray(at - (at % 512)));
    await attempt(damaged);
  }
  for (let length = 0; length < tar.length; length += 7) await attempt(tar.subarray(0, length));
});

test("scanTar shows every byte once, behind the end mark too", async () => {
  const tar = concatBytes([rawTar([file("a", "x".repeat(5000))]), new Uint8Array(700).fill(7)]);
  const seen: Uint8Array[] = [];
  for await (const _ of scanTar(memorySource(tar), { onBytes: (bytes) => seen.push(bytes.slice()) }));
  assert.deepEqual(concatBytes(seen), tar);
});

test("a signed checksum of old tars is accepted", async () => {
  const block = headerBlock(file("\xe4\xf6\xfc"));
  const signed = block.reduce(
    (sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte > 127 ? byte - 256 : byte),
    0,
  );
  block.set(encodeBinary(`${signed.toString(8).padStart(6, "0")}\0 `), 148);
  assert.equal((await readTar(block))[0]!.header.name, "\xe4\xf6\xfc");
});

test("PAX records and times survive encoding", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[a-z.]{1,12}$/), fc.uint8Array({ maxLength: 1200 })), {
        maxLength: 5,
      }),
      (records) => {
        const bytes = concatBytes(records.map(([key, value]) => encodePaxRecord(key, value)));
        assert.deepEqual(
          parsePaxRecords(bytes, 0).map(({ key, value }) => [key, value]),
          records.map(([key, value]) => [key, new Uint8Array(value)]),
        );
      },
    ),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      (seconds, nanoseconds) => {
        assert.deepEqual(parsePaxTime(formatPaxTime(seconds, nanoseconds)), { seconds, nanoseconds });
      },
    ),
  );
  for (const length of [90, 91, 92, 93, 94, 95, 96, 985, 986, 987, 988, 989, 990]) {
    const record = encodePaxRecord("k", new Uint8Array(length));
    assert.equal(Number.parseInt(Buffer.from(record).toString("latin1"), 10), record.length);
  }
});
