import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { accountDelta, type DeltaAccount, type FileAccount } from "../../src/delta/index.ts";
import { createDelta, type DeltaCodec } from "../../src/encode/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { indexFiles } from "../support/indexed.ts";
import { makeBytes, pairArbitrary } from "../support/pairs.ts";

const CODECS: readonly DeltaCodec[] = ["none", "deflate", "brotli", "mix"];

const sum = (files: readonly FileAccount[], of: (file: FileAccount) => number): number =>
  files.reduce((total, file) => total + of(file), 0);

function checkSums(account: DeltaAccount, stats: { deltaBytes: number; targetBytes: number }): void {
  const { files, freeFiles, outside, framingBytes } = account;
  assert.equal(sum(files, (file) => file.deltaBytes) + outside.deltaBytes + framingBytes, stats.deltaBytes);
  assert.equal(
    sum(files, (file) => file.targetBytes) + freeFiles.targetBytes + outside.targetBytes,
    stats.targetBytes,
  );
  for (const file of files) {
    const { copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes, targetBytes } = file;
    assert.equal(
      copiedBytes + diffBytes + literalBytes + runBytes + touchedBytes + headerBytes,
      targetBytes,
      file.path,
    );
    assert.ok(file.deltaBytes > 0, file.path);
  }
}

test("the account adds up to the delta and the target, and whoever reads the delta gets the same one", async () => {
  const pairs = fc.array(pairArbitrary, { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      pairs,
      fc.constantFrom(...CODECS),
      fc.integer({ min: 64, max: 5000 }),
      async (contents, codec, segmentBytes) => {
        const name = (_: unknown, i: number): string => `folder/${i}`;
        const basis = await indexFiles(
          new Map(contents.map(({ basis }, i) => [name(basis, i), basis] as const)),
        );
        const target = await indexFiles(
          new Map(contents.map(({ target }, i) => [name(target, i), target] as const)),
        );
        const sink = memorySink();
        const stats = await createDelta(basis, target, sink, { codec, segmentBytes, windowBytes: 20_000 });
        checkSums(stats.account!, stats);
        const [of, from] = [(await target.index()).entries, (await basis.index()).entries];
        assert.deepEqual(await accountDelta(memorySource(sink.bytes()), of, from), stats.account);
      },
    ),
    { numRuns: 60 },
  );
});

test("each file has its own bytes and the file it comes from", async () => {
  const [kept, old] = [makeBytes(5000, 1), makeBytes(9000, 2)];
  const changed = old.slice();
  for (let at = 3000; at < 3400; at += 40) changed[at]! += 5;
  const added = makeBytes(7000, 3);
  const basis = await indexFiles(
    new Map([
      ["a/kept", kept],
      ["b/lib.so.1.2", old],
    ]),
  );
  const target = await indexFiles(
    new Map([
      ["a/kept", kept],
      ["b/lib.so.1.3", changed],
      ["c/added", added],
    ]),
  );
  const stats = await createDelta(basis, target, memorySink(), { codec: "none" });
  const { deltaBytes, targetBytes } = stats;
  const account = stats.account!;
  checkSums(account, { deltaBytes, targetBytes });
  const byPath = new Map(account.files.map((file) => [file.path, file]));
  assert.equal(byPath.get("b/lib.so.1.3")!.basisPath, "b/lib.so.1.2");
  assert.equal(byPath.get("b/lib.so.1.3")!.literalBytes, 0);
  assert.ok(byPath.get("b/lib.so.1.3")!.deltaBytes < 600);
  assert.equal(byPath.get("c/added")!.basisPath, undefined);
  assert.ok(byPath.get("c/added")!.literalBytes >= added.length);
  assert.ok(byPath.get("c/added")!.deltaBytes >= added.length);
});

test("files inside one copy cost nothing, but for the first, which the op begins in", async () => {
  const files = new Map(Array.from({ length: 20 }, (_, i) => [`f/${i}`, makeBytes(1000, i + 1)] as const));
  const { account } = await createDelta(await indexFiles(files), await indexFiles(files), memorySink());
  assert.deepEqual(
    account!.files.map(({ path }) => path),
    ["f/0"],
  );
  assert.deepEqual(account!.freeFiles, { count: 19, targetBytes: 19 * 1536 });
});

test("what is no image is outside all files", async () => {
  const stats = await createDelta(
    memorySource(makeBytes(5000, 1)),
    memorySource(makeBytes(6000, 2)),
    memorySink(),
  );
  assert.deepEqual(stats.account!.files, []);
  assert.equal(stats.account!.outside.targetBytes, 6000);
  checkSums(stats.account!, stats);
});

test("a basis known by its signature has no paths", async () => {
  const { buildSignature } = await import("../../src/signature/index.ts");
  const file = makeBytes(50_000, 4);
  const { source } = await indexFiles(new Map([["x", file]]));
  const target = await indexFiles(
    new Map([
      ["x", file],
      ["y", makeBytes(300, 9)],
    ]),
  );
  const stats = await createDelta(await buildSignature(source, { blockBytes: 512 }), target, memorySink());
  checkSums(stats.account!, stats);
  assert.ok(stats.account!.files.every(({ basisPath }) => basisPath === undefined));
});

test("who wants no account gets none, and the same delta", async () => {
  const [basis, target] = [makeBytes(5000, 1), makeBytes(6000, 2)].map(memorySource);
  const [told, untold] = [memorySink(), memorySink()];
  assert.ok((await createDelta(basis!, target!, told)).account);
  assert.equal((await createDelta(basis!, target!, untold, { wantsAccount: false })).account, undefined);
  assert.deepEqual(untold.bytes(), told.bytes());
});
