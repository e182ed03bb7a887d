import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeUtf8 } from "../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import { type ApplyBsdiffOptions, applyBsdiff, inspectBsdiff } from "../../src/interop/index.ts";
import { countingSink, memorySink, memorySource } from "../../src/io/index.ts";
import { bsdiff } from "../interop-cross/bsdiff.ts";
import { hasProgram } from "../interop-cross/check.ts";
import { runCases, UNIT_RANGE } from "../interop-cross/run-cases.ts";
import {
  assembleBsdiff40,
  assembleBsdiffStreams,
  assembleEndsley,
  expectBsdiffTarget,
  putBsdiffInteger,
  sizeOfBsdiff,
} from "../support/bsdiff.ts";
import { makeBytes } from "../support/pairs.ts";

async function apply(basis: Uint8Array, delta: Uint8Array, options: ApplyBsdiffOptions = {}) {
  const sink = memorySink();
  const result = await applyBsdiff(memorySource(basis), delta, sink, options);
  return { target: sink.bytes(), result };
}

// What `bsdiff old new` 4.3 makes of OLD and NEW.
const OLD = encodeUtf8("the quick brown fox jumps over the lazy dog, again and again and again");
const NEW = encodeUtf8(
  "the quick red fox jumps over the lazy dogs, again and again and again and zzzzzzzzzzzzzzzzzzzz",
);
const BSDIFF40 =
  "QlNESUZGNDA9AAAAAAAAACcAAAAAAAAAXgAAAAAAAABCWmg5MUFZJlNZkjEbqAAAFXBAehgALCAAQAAgACGmkaPU8oQNA0G+8aaQArCSKMu4RPi7kinChISRiN1AQlpoOTFBWSZTWe7vs7gAAABIAEAAAAIgACEAgoMXckU4UJDu77O4QlpoOTFBWSZTWcBTv8MAAAQxgEAAQAAmARgQIAAiAabUIMmIBa2BxL8XckU4UJDAU7/D";

test("what bsdiff writes is read", async () => {
  const delta = new Uint8Array(Buffer.from(BSDIFF40, "base64"));
  const { target, result } = await apply(OLD, delta, { expectedTargetSha256: sha256(NEW) });
  assert.deepEqual(target, NEW);
  assert.deepEqual([result.diffBytes + result.literalBytes, result.deltaBytes], [NEW.length, delta.length]);
  const info = await inspectBsdiff(delta);
  assert.deepEqual([info.format, info.targetBytes, info.deltaBytes], ["BSDIFF40", NEW.length, delta.length]);
});

const entryArbitrary = fc.record({
  diff: fc.uint8Array({ maxLength: 300 }),
  extra: fc.uint8Array({ maxLength: 100 }),
  seek: fc.integer({ min: -600, max: 600 }),
});

for (const [format, assembleFile] of [
  ["BSDIFF40", assembleBsdiff40],
  ["ENDSLEY/BSDIFF43", assembleEndsley],
] as const) {
  test(`${format}: any entries make what they say, bytes outside of the basis being zeros`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(500), fc.array(entryArbitrary, { maxLength: 10 }), async (length, entries) => {
        const basis = makeBytes(length, 3);
        const delta = assembleFile(entries);
        // Entries behind the target's last byte are none that any program writes.
        while (entries.length > 0 && sizeOfBsdiff(entries.slice(-1)) === 0) entries.pop();
        const expected = expectBsdiffTarget(basis, entries);
        const found = await apply(basis, assembleFile(entries), { expectedTargetSha256: sha256(expected) });
        assert.deepEqual(Buffer.from(found.target), Buffer.from(expected));
        assert.equal(found.result.entryCount, entries.length);
        assert.equal((await inspectBsdiff(delta)).format, format);
      }),
      { numRuns: 30 },
    );
  });

  test(`${format}: a flipped bit and a truncation give a coded error or the target`, async () => {
    const basis = makeBytes(300, 5);
    const entries = [
      { diff: new Uint8Array(100), extra: makeBytes(20, 6), seek: -50 },
      { diff: makeBytes(30, 7), extra: makeBytes(9, 8), seek: 0 },
    ];
    const delta = assembleFile(entries);
    const expected = expectBsdiffTarget(basis, entries);
    const check = async (damaged: Uint8Array, what: string): Promise<void> => {
      const options = { expectedTargetSha256: sha256(expected) };
      const found = await apply(basis, damaged, options).catch((error: unknown) => error);
      if (!isFlatdeltaError(found))
        assert.deepEqual((found as { target: Uint8Array }).target, expected, what);
    };
    for (let at = 0; at < delta.length; at++) {
      for (const bit of [0, 3, 7]) {
        const damaged = delta.slice();
        damaged[at]! ^= 1 << bit;
        await check(damaged, `bit ${bit} of byte ${at}`);
      }
      await assert.rejects(apply(basis, delta.slice(0, at)), isFlatdeltaError, `cut at ${at}`);
    }
  });
}

const NONE = new Uint8Array(0);
const entry = (...numbers: readonly (number | bigint)[]): Uint8Array =>
  concatBytes(numbers.map(putBsdiffInteger));

const refused: readonly (readonly [what: string, delta: Uint8Array, code: ErrorCode])[] = [
  ["another kind of file", encodeUtf8("BSDIFF41".padEnd(40)), ErrorCode.BAD_MAGIC],
  ["a header that ends early", encodeUtf8("BSDIFF40".padEnd(31)), ErrorCode.TRUNCATED],
  ["a target of negative size", assembleBsdiffStreams(NONE, NONE, NONE, -1), ErrorCode.CORRUPT_HEADER],
  ["a target of 2^62 bytes", assembleBsdiffStreams(NONE, NONE, NONE, 2n ** 62n), ErrorCode.CORRUPT_HEADER],
  ["a target of 2 TiB", assembleBsdiffStreams(NONE, NONE, NONE, 2 ** 41), ErrorCode.SIZE_LIMIT],
  [
    "a stream of negative size",
    spoil(assembleBsdiffStreams(NONE, NONE, NONE, 0), 15, 0x80),
    ErrorCode.CORRUPT_HEADER,
  ],
  [
    "a stream longer than the file",
    spoil(assembleBsdiffStreams(NONE, NONE, NONE, 0), 20, 1),
    ErrorCode.TRUNCATED,
  ],
  [
    "CVE-2014-9862: a negative number of bytes to add",
    assembleBsdiffStreams(entry(-4, 8, 0), NONE, NONE, 4),
    ErrorCode.CORRUPT_BODY,
  ],
  [
    "a negative number of bytes to take",
    assembleBsdiffStreams(entry(8, -4, 0), NONE, NONE, 4),
    ErrorCode.CORRUPT_BODY,
  ],
  [
    "CVE-2020-14315: numbers whose sum overflows",
    assembleBsdiffStreams(entry(2n ** 62n, 2n ** 62n, 0), NONE, NONE, 4),
    ErrorCode.CORRUPT_BODY,
  ],
  [
    "an entry over the target's end",
    assembleBsdiffStreams(entry(3, 2, 0), makeBytes(3, 1), makeBytes(2, 1), 4),
    ErrorCode.CORRUPT_BODY,
  ],
  [
    "a move to beyond 2^53",
    assembleBsdiffStreams(
      concatBytes([entry(0, 0, 2 ** 52), entry(0, 0, 2 ** 52), entry(0, 0, 1)]),
      NONE,
      NONE,
      1,
    ),
    ErrorCode.CORRUPT_BODY,
  ],
  ["no entries for the target", assembleBsdiffStreams(NONE, NONE, NONE, 4), ErrorCode.TRUNCATED],
  [
    "too few bytes to add",
    assembleBsdiffStreams(entry(4, 0, 0), makeBytes(3, 1), NONE, 4),
    ErrorCode.TRUNCATED,
  ],
  [
    "bytes that no entry takes",
    assembleBsdiffStreams(entry(1, 0, 0), makeBytes(1, 1), makeBytes(1, 1), 1),
    ErrorCode.TRAILING_DATA,
  ],
  [
    "entries behind the end",
    assembleBsdiffStreams(concatBytes([entry(1, 0, 0), entry(0, 0, 0)]), makeBytes(1, 1), NONE, 1),
    ErrorCode.TRAILING_DATA,
  ],
];

function spoil(bytes: Uint8Array, at: number, value: number): Uint8Array {
  bytes[at] = value;
  return bytes;
}

for (const [what, delta, code] of refused) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(apply(makeBytes(10, 1), delta), (error: unknown) => {
      assert.ok(isFlatdeltaError(error), String(error));
      assert.equal(error.code, code);
      return true;
    });
  });
}

test("entries that do nothing stop at their limit", async () => {
  const idle = assembleBsdiffStreams(concatBytes(Array<Uint8Array>(100).fill(entry(0, 0, 1))), NONE, NONE, 1);
  await assert.rejects(apply(NONE, idle, { limits: { entryCount: 50 } }), { code: ErrorCode.COUNT_LIMIT });
});

test("a target over the limit is refused before anything is written", async () => {
  const delta = assembleBsdiff40([{ diff: new Uint8Array(1000), extra: NONE, seek: 0 }]);
  const sink = countingSink();
  await assert.rejects(applyBsdiff(memorySource(NONE), delta, sink, { limits: { targetBytes: 999 } }), {
    code: ErrorCode.SIZE_LIMIT,
  });
  assert.equal(sink.bytesWritten, 0);
});

test("a wrong basis is found by the expected digest", async () => {
  const delta = new Uint8Array(Buffer.from(BSDIFF40, "base64"));
  const other = OLD.slice();
  other[0]!++;
  await assert.rejects(apply(other, delta, { expectedTargetSha256: sha256(NEW) }), {
    code: ErrorCode.TARGET_MISMATCH,
  });
  assert.notDeepEqual((await apply(other, delta)).target, NEW, "without it nothing tells");
});

test("aborting ends with the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(apply(OLD, new Uint8Array(Buffer.from(BSDIFF40, "base64")), { signal }), /enough/u);
});

test("bsdiff and bspatch make the same of the same", {
  skip: !(hasProgram("bsdiff") && hasProgram("bspatch")) && "no bsdiff",
}, async () => {
  const found: string[] = [];
  await runCases(bsdiff, UNIT_RANGE, (_, differences) => found.push(...differences));
  assert.deepEqual(found, []);
});
