/** Flat images indexed on a thread, and what their index says of headers. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { flattenImage, openFlatImage } from "../../src/image/index.ts";
import { openFlatFile } from "../../src/image/node.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { openFileSource } from "../../src/io/node.ts";
import { file, folder } from "./tar-builder.ts";
import { imageOfEntries } from "./tree-lines.ts";

const ENTRIES = [
  folder("bin/"),
  file("bin/app", "x".repeat(70_000)),
  file("bin/app2", "y".repeat(700)),
  file("empty"),
  file("time", "t", { pax: { mtime: "1700000000.123456789" } }),
];

let path: string;
let bytes: Uint8Array;
before(async () => {
  const { source } = await flattenImage(imageOfEntries([ENTRIES]));
  bytes = await readRange(source, 0, source.size);
  path = join(await mkdtemp(join(tmpdir(), "flatdelta-test-")), "image.flat");
  await writeFile(path, bytes);
});
after(() => rm(join(path, ".."), { recursive: true }));

async function withFile<Value>(
  content: Uint8Array,
  use: (file: Awaited<ReturnType<typeof openFileSource>>) => Promise<Value>,
): Promise<Value> {
  const name = `${path}.${content.length}.${Math.random()}`;
  await writeFile(name, content);
  const source = await openFileSource(name);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

const contentOf = async (name: string) =>
  (await (await openFlatImage(memorySource(bytes))).index()).entries.find((entry) => entry.path === name)!;

describe("a flat image's index from a thread", () => {
  test("is that of the calling thread", async () => {
    const expected = await (await openFlatImage(memorySource(bytes))).index();
    await withFile(bytes, async (source) => {
      const flat = await openFlatFile(source);
      assert.deepEqual(await flat.index(), expected);
      assert.equal(await flat.index(), await flat.index(), "made once");
    });
  });

  test("fails as in the calling thread", async () => {
    const damaged = bytes.slice();
    damaged[(await contentOf("bin/app2")).headerOffset + 150]! ^= 1;
    await withFile(damaged, async (source) => {
      await assert.rejects(
        (await openFlatFile(source)).index(),
        (error: unknown) => isFlatdeltaError(error) && error.code === ErrorCode.BAD_TAR_HEADER,
      );
    });
  });

  test("heeds the signal, and a later pass is complete", async () => {
    await withFile(bytes, async (source) => {
      const flat = await openFlatFile(source);
      const controller = new AbortController();
      const aborted = assert.rejects(flat.index({ signal: controller.signal }), /enough/);
      controller.abort(new Error("enough"));
      await aborted;
      assert.equal((await flat.index()).entries.length, 6 + ENTRIES.length);
    });
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
