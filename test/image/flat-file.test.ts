/** What the index of a flat image says of its bytes and headers, whoever hashes them. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { createDelta, type WholeHashing } from "../../src/encode/index.ts";
import { hashWholeSource } from "../../src/encode/whole-hashing.ts";
import { ErrorCode } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { flattenImage, openFlatImage } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { file, folder } from "./tar-builder.ts";
import { imageOfEntries } from "./tree-lines.ts";

const ENTRIES = [
  folder("bin/"),
  file("bin/app", "x".repeat(70_000)),
  file("bin/app2", "y".repeat(700)),
  file("empty"),
  file("time", "t", { pax: { mtime: "1700000000.123456789" } }),
];

let bytes: Uint8Array;
before(async () => {
  const { source } = await flattenImage(imageOfEntries([ENTRIES]));
  bytes = await readRange(source, 0, source.size);
});

const contentOf = async (name: string) =>
  (await (await openFlatImage(memorySource(bytes))).index()).entries.find((entry) => entry.path === name)!;

describe("a flat image whose bytes are hashed elsewhere", () => {
  test("has the index that one pass gives", async () => {
    const source = memorySource(bytes);
    const expected = await (await openFlatImage(source)).index();
    const wholeHashing: WholeHashing = {
      hashWhole: (whole, options) => hashWholeSource(whole, options),
    };
    const flat = await openFlatImage(source);
    const index = await flat.index({ wholeHashing });
    assert.deepEqual(
      { ...index, hashes: await index.hashes },
      { ...expected, hashes: await expected.hashes },
    );
    assert.equal(await flat.index(), index, "made once");
  });

  test("fails where its layer is damaged, and where the pass fails", async () => {
    const damaged = bytes.slice();
    damaged[(await contentOf("bin/app2")).headerOffset + 150]! ^= 1;
    const wholeHashing: WholeHashing = { hashWhole: (whole, options) => hashWholeSource(whole, options) };
    await assert.rejects((await openFlatImage(memorySource(damaged))).index({ wholeHashing }), {
      code: ErrorCode.BAD_TAR_HEADER,
    });
    const failing: WholeHashing = { hashWhole: () => Promise.reject(new Error("from elsewhere")) };
    await assert.rejects(
      (await openFlatImage(memorySource(bytes))).index({ wholeHashing: failing }),
      /from elsewhere/,
    );
  });

  test("gives a delta that fails where hashing does", async () => {
    const failing: WholeHashing = { hashWhole: () => Promise.reject(new Error("enough")) };
    const [old, wanted] = [
      await openFlatImage(memorySource(bytes)),
      await openFlatImage(memorySource(bytes)),
    ];
    await assert.rejects(
      createDelta(old, wanted, memorySink(), { workers: { wholeHashing: failing } }),
      /enough/,
    );
    const { targetSha256 } = await createDelta(old, wanted, memorySink());
    assert.deepEqual(targetSha256, sha256(bytes), "a failed pass does not stick");
  });
});

describe("the hash of a header", () => {
  test("is told where it is one block, without its time and checksum", async () => {
    const { hash } = await loadHash64();
    for (const { path: name, headerOffset, headerBytes, headerHash, headerTime } of (
      await (await openFlatImage(memorySource(bytes))).index()
    ).entries) {
      const isKnown = headerBytes === 512 && !name.startsWith("\0");
      const block = bytes.slice(headerOffset, headerOffset + headerBytes);
      const time = Number.parseInt(Buffer.from(block.subarray(136, 147)).toString(), 8);
      block.fill(0, 136, 147);
      block.fill(0, 148, 154);
      assert.equal(headerHash, isKnown ? hash(block) : undefined, name);
      assert.equal(headerTime, isKnown ? time : undefined, name);
    }
  });

  test("is not told where other bytes than zeros pad the content, and such a target comes out right", async () => {
    for (const name of ["bin/app", "bin/app2", "time"]) {
      const { contentOffset, contentBytes } = await contentOf(name);
      const padded = bytes.slice();
      padded[contentOffset + contentBytes + 3] = 1;
      const [old, wanted] = [
        await openFlatImage(memorySource(bytes)),
        await openFlatImage(memorySource(padded)),
      ];
      assert.equal(
        (await wanted.index()).entries.find((entry) => entry.path === name)!.headerHash,
        undefined,
      );
      const delta = memorySink();
      await createDelta(old, wanted, delta);
      const made = memorySink();
      await applyDelta(memorySource(bytes), delta.bytes(), made);
      assert.ok(Buffer.from(made.bytes()).equals(padded), name);
    }
  });
});
