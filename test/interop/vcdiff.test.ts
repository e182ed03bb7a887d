import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concatBytes, EMPTY_BYTES, encodeUtf8, fromHex } from "../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import {
  type ApplyVcdiffOptions,
  applyVcdiff,
  type CreateVcdiffOptions,
  createVcdiff,
  inspectVcdiff,
} from "../../src/interop/index.ts";
import { adler32 } from "../../src/interop/vcdiff/adler32.ts";
import { CODE_TABLE, InstructionKind } from "../../src/interop/vcdiff/code-table.ts";
import { integerBytes, putInteger, SectionReader } from "../../src/interop/vcdiff/integer.ts";
import { countingSink, memorySink, memorySource } from "../../src/io/index.ts";
import { hasProgram } from "../interop-cross/check.ts";
import { runCases, UNIT_RANGE } from "../interop-cross/run-cases.ts";
import { vcdiff } from "../interop-cross/vcdiff.ts";
import { applyEdit, inPieces, makeBytes, pairArbitrary } from "../support/pairs.ts";

async function make(basis: Uint8Array, target: Uint8Array, options?: CreateVcdiffOptions) {
  const sink = memorySink();
  const stats = await createVcdiff(memorySource(basis), memorySource(target), sink, options);
  return { delta: sink.bytes(), stats };
}

async function apply(
  basis: Uint8Array,
  delta: Uint8Array,
  options: ApplyVcdiffOptions = {},
  pieceBytes = 1000,
) {
  const sink = memorySink();
  const result = await applyVcdiff(memorySource(basis), inPieces(delta, pieceBytes), sink, options);
  return { target: sink.bytes(), result };
}

const integer = (value: number): Uint8Array => {
  const out = new ByteWriter();
  putInteger(out, value);
  return out.view();
};

const HEADER = fromHex("d6c3c40000");

interface WindowParts {
  /** The indicator, and the source segment if there is one. */
  source?: readonly number[];
  targetBytes: number;
  data?: Uint8Array;
  instructions?: readonly number[];
  addresses?: readonly number[];
  compressed?: number;
}

/** A file of one window, as the standard says, without a checksum. */
function assemble(parts: WindowParts, header = HEADER): Uint8Array {
  const { source = [0], targetBytes, data = EMPTY_BYTES, compressed = 0 } = parts;
  const instructions = Uint8Array.from(parts.instructions ?? []);
  const addresses = Uint8Array.from(parts.addresses ?? []);
  const body = concatBytes([
    integer(targetBytes),
    Uint8Array.of(compressed),
    integer(data.length),
    integer(instructions.length),
    integer(addresses.length),
    data,
    instructions,
    addresses,
  ]);
  return concatBytes([header, Uint8Array.from(source), integer(body.length), body]);
}

// What `xdelta3 -e -S none -s old new` 3.0.11 makes of OLD and NEW, its name for them in the application header.
const OLD = encodeUtf8("the quick brown fox jumps over the lazy dog, again and again and again");
const NEW = encodeUtf8(
  "the quick red fox jumps over the lazy dogs, again and again and again and zzzzzzzzzzzzzzzzzzzz",
);
const XDELTA3 =
  "d6c3c40004096e65772f2f6f6c642f054600205e000a0a03588623ad7265647320616e64207a1a04131c02131b060014000f2b";

test("what xdelta3 writes is read", async () => {
  const delta = fromHex(XDELTA3);
  const { target, result } = await apply(OLD, delta, { expectedTargetSha256: sha256(NEW) });
  assert.deepEqual(target, NEW);
  assert.equal(result.checkedBytes, NEW.length);
  const info = await inspectVcdiff(delta);
  assert.equal(info.applicationHeader, "new//old/");
  assert.equal(info.targetBytes, NEW.length);
  assert.equal(info.windowCount, 1);
});

test("a file that is made makes its target", async () => {
  await fc.assert(
    fc.asyncProperty(pairArbitrary, fc.integer({ min: 1, max: 70_000 }), async ({ basis, target }, size) => {
      const windowBytes = Math.max(size, target.length >> 6, 1);
      const { delta, stats } = await make(basis, target, { windowBytes });
      const { target: made, result } = await apply(basis, delta, { expectedTargetSha256: sha256(target) });
      assert.deepEqual(Buffer.from(made), Buffer.from(target));
      assert.deepEqual(stats.targetSha256, result.targetSha256);
      assert.equal(stats.deltaBytes, delta.length);
      assert.equal(result.checkedBytes, target.length);
      assert.equal(result.windowCount, Math.max(1, Math.ceil(target.length / windowBytes)));
      assert.equal(result.copiedBytes + result.literalBytes + result.runBytes, target.length);
      const info = await inspectVcdiff(delta);
      assert.deepEqual([info.targetBytes, info.windowCount], [target.length, result.windowCount]);
      assert.ok(info.leastBasisBytes <= basis.length);
    }),
    { numRuns: 80 },
  );
});

test("a file may arrive in pieces of any size", async () => {
  const basis = makeBytes(5000, 1);
  const target = applyEdit(basis, { kind: "sprinkle", at: 100, length: 3000, step: 7 });
  const { delta } = await make(basis, target, {
    windowBytes: 700,
    applicationHeader: encodeUtf8("any text"),
  });
  for (const pieceBytes of [1, 2, 3, 7, 100, 10_000])
    assert.deepEqual((await apply(basis, delta, {}, pieceBytes)).target, target);
  assert.equal((await inspectVcdiff(delta)).applicationHeader, "any text");
});

test("what moved, and what repeats itself, costs little", async () => {
  const basis = makeBytes(200_000, 3);
  const moved = applyEdit(basis, { kind: "move", at: 150_000, length: 30_000, to: 10_000 });
  const target = applyEdit(moved, { kind: "run", at: 60_000, length: 50_000, byte: 9 });
  const { delta } = await make(basis, concatBytes([target, target.subarray(0, 50_000)]));
  assert.ok(delta.length < 200, `${delta.length} bytes`);
});

test("the same inputs give the same bytes", async () => {
  const basis = makeBytes(50_000, 2);
  const target = applyEdit(basis, { kind: "move", at: 10_000, length: 9000, to: 3000 });
  assert.deepEqual((await make(basis, target)).delta, (await make(basis, target)).delta);
});

test("the default code table is that of RFC 3284, section 5.6", () => {
  const at = (code: number) =>
    CODE_TABLE[code]!.filter(({ kind }) => kind !== InstructionKind.NOOP).map(
      ({ kind, size, mode }) => `${["", "ADD", "RUN", "COPY"][kind]} ${size} ${mode}`,
    );
  assert.equal(CODE_TABLE.length, 256);
  assert.deepEqual(at(0), ["RUN 0 0"]);
  assert.deepEqual(at(1), ["ADD 0 0"]);
  assert.deepEqual(at(18), ["ADD 17 0"]);
  assert.deepEqual(at(19), ["COPY 0 0"]);
  assert.deepEqual(at(20), ["COPY 4 0"]);
  assert.deepEqual(at(34), ["COPY 18 0"]);
  assert.deepEqual(at(162), ["COPY 18 8"]);
  assert.deepEqual(at(163), ["ADD 1 0", "COPY 4 0"]);
  assert.deepEqual(at(174), ["ADD 4 0", "COPY 6 0"]);
  assert.deepEqual(at(234), ["ADD 4 0", "COPY 6 5"]);
  assert.deepEqual(at(235), ["ADD 1 0", "COPY 4 6"]);
  assert.deepEqual(at(246), ["ADD 4 0", "COPY 4 8"]);
  assert.deepEqual(at(247), ["COPY 4 0", "ADD 1 0"]);
  assert.deepEqual(at(255), ["COPY 4 8", "ADD 1 0"]);
});

test("integers come back, to 2^53 − 1", () => {
  assert.deepEqual(integer(123_456_789), fromHex("baef9a15"));
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const bytes = integer(value);
      assert.equal(bytes.length, integerBytes(value));
      assert.equal(new SectionReader(bytes, "test").integer(), value);
    }),
  );
});

test("Adler-32 is that of RFC 1950", () => {
  assert.equal(adler32(EMPTY_BYTES), 1);
  assert.equal(adler32(encodeUtf8("Wikipedia")), 0x11e60398);
  assert.equal(adler32(new Uint8Array(100_000).fill(255)), 0x149a302c);
});

test("windows may copy from the target before them, where it can be read", async () => {
  const first = assemble({ targetBytes: 8, data: encodeUtf8("abcdefgh"), instructions: [9] });
  // A source segment of 5 bytes from 2 of the target; copy all of it, then from what that makes.
  const second = assemble({
    source: [2, 5, 2],
    targetBytes: 13,
    instructions: [21, 19, 8],
    addresses: [0, 3],
  }).subarray(HEADER.length);
  const delta = concatBytes([first, second]);
  const { target, result } = await apply(EMPTY_BYTES, delta);
  assert.equal(Buffer.from(target).toString(), "abcdefghcdefgfgcdefgf");
  assert.equal(result.copiedBytes, 13);
  assert.equal((await inspectVcdiff(delta)).copiesFromTarget, true);
  const blind = countingSink();
  await assert.rejects(applyVcdiff(memorySource(EMPTY_BYTES), delta, blind), {
    code: ErrorCode.UNSUPPORTED_FEATURE,
  });
});

test("every address mode, and a COPY over the border of segment and window", async () => {
  const basis = encodeUtf8("0123456789");
  const delta = assemble({
    source: [1, 10, 0],
    targetBytes: 26,
    // COPY 6 of SELF 6; COPY 4 of HERE − 10, of NEAR 0 + 1, of SAME 6; RUN 3; ADD 1 and COPY 4 of NEAR 3 + 0.
    instructions: [22, 36, 52, 116, 0, 3, 223],
    data: encodeUtf8("xy"),
    addresses: [6, 10, 1, 6, 0],
  });
  const { target, result } = await apply(basis, delta);
  assert.equal(Buffer.from(target).toString(), "678967" + "6789" + "7896" + "6789" + "xxx" + "y" + "6789");
  const { copiedBytes, literalBytes, runBytes, instructionCount } = result;
  assert.deepEqual([copiedBytes, literalBytes, runBytes, instructionCount], [22, 1, 3, 7]);
});

const refused: readonly (readonly [what: string, delta: Uint8Array, code: ErrorCode, message: RegExp])[] = [
  ["another kind of file", fromHex("d6c3c50000"), ErrorCode.BAD_MAGIC, /VCDIFF/u],
  ["a file that ends in its magic", fromHex("d6c3"), ErrorCode.TRUNCATED, /ends early/u],
  ["open-vcdiff's format", fromHex("d6c3c45300"), ErrorCode.UNSUPPORTED_FEATURE, /open-vcdiff/u],
  ["a version to come", fromHex("d6c3c40100"), ErrorCode.UNSUPPORTED_VERSION, /version 0, found 1/u],
  ["an unknown header indicator", fromHex("d6c3c40008"), ErrorCode.CORRUPT_HEADER, /below 8/u],
  ["a code table of its own", fromHex("d6c3c40002"), ErrorCode.UNSUPPORTED_FEATURE, /code table/u],
  ["an application header of 1 GiB", fromHex("d6c3c400048480808000"), ErrorCode.SIZE_LIMIT, /application/u],
  ...(["DJW", "LZMA", "FGK"] as const).map(
    (name, i) =>
      [
        `sections compressed with ${name}`,
        assemble(
          { targetBytes: 1, data: Uint8Array.of(0), instructions: [2], compressed: 1 },
          concatBytes([fromHex("d6c3c40001"), Uint8Array.of([1, 2, 16][i]!)]),
        ),
        ErrorCode.UNSUPPORTED_FEATURE,
        new RegExp(name, "u"),
      ] as const,
  ),
  [
    "compressed sections without a compressor",
    assemble({ targetBytes: 1, data: Uint8Array.of(0), instructions: [2], compressed: 1 }),
    ErrorCode.CORRUPT_BODY,
    /names no compressor/u,
  ],
  [
    "an unknown window indicator",
    assemble({ source: [8], targetBytes: 0 }),
    ErrorCode.CORRUPT_BODY,
    /below 8/u,
  ],
  [
    "a window of basis and target",
    assemble({ source: [3], targetBytes: 0 }),
    ErrorCode.CORRUPT_BODY,
    /both/u,
  ],
  [
    "a source segment behind the basis",
    assemble({ source: [1, 5, 6], targetBytes: 4, instructions: [20], addresses: [0] }),
    ErrorCode.BASIS_MISMATCH,
    /bytes 6 to 11 of the basis, which has 10/u,
  ],
  [
    "a source segment behind the target",
    assemble({ source: [2, 1, 0], targetBytes: 4, instructions: [20], addresses: [0] }),
    ErrorCode.CORRUPT_BODY,
    /of the target, which has 0/u,
  ],
  [
    "a copy from where nothing is yet",
    assemble({ targetBytes: 4, instructions: [20], addresses: [0] }),
    ErrorCode.CORRUPT_BODY,
    /address below 0/u,
  ],
  [
    "a copy from before the beginning",
    assemble({ source: [1, 4, 0], targetBytes: 4, instructions: [36], addresses: [5] }),
    ErrorCode.CORRUPT_BODY,
    /from -1/u,
  ],
  [
    "a RUN of 2^50 bytes",
    assemble({ targetBytes: 4, data: Uint8Array.of(0), instructions: [0, ...integer(2 ** 50)] }),
    ErrorCode.CORRUPT_BODY,
    /for 4 bytes, found more/u,
  ],
  [
    "a RUN bomb: 20 bytes that make 4 GiB",
    assemble({ targetBytes: 2 ** 32, data: Uint8Array.of(0), instructions: [0, ...integer(2 ** 32)] }),
    ErrorCode.MEMORY_LIMIT,
    /over the limit of 67108864/u,
  ],
  [
    "a window that takes 1 TiB of the file",
    concatBytes([HEADER, Uint8Array.of(0), integer(2 ** 40)]),
    ErrorCode.MEMORY_LIMIT,
    /windowDeltaBytes/u,
  ],
  [
    "an integer over 2^53",
    concatBytes([HEADER, Uint8Array.of(0), new Uint8Array(9).fill(0xff)]),
    ErrorCode.CORRUPT_BODY,
    /below 2\^53/u,
  ],
  ["too few instructions", assemble({ targetBytes: 4 }), ErrorCode.CORRUPT_BODY, /found some for 0/u],
  [
    "more data than is used",
    assemble({ targetBytes: 1, data: Uint8Array.of(1, 2), instructions: [2] }),
    ErrorCode.CORRUPT_BODY,
    /use up/u,
  ],
  [
    "less data than is used",
    assemble({ targetBytes: 2, data: Uint8Array.of(1), instructions: [3] }),
    ErrorCode.CORRUPT_BODY,
    /data end before/u,
  ],
];

for (const [what, delta, code, message] of refused) {
  test(`refused: ${what}`, async () => {
    const sink = countingSink();
    await assert.rejects(applyVcdiff(memorySource(new Uint8Array(10)), delta, sink), { code, message });
    assert.equal(sink.bytesWritten, 0);
  });
}

test("RUN bombs of many windows stop at the target's limit", async () => {
  const bomb = assemble({
    targetBytes: 1 << 20,
    data: Uint8Array.of(0),
    instructions: [0, ...integer(1 << 20)],
  });
  const delta = concatBytes([bomb, ...Array<Uint8Array>(20).fill(bomb.subarray(HEADER.length))]);
  const sink = countingSink();
  await assert.rejects(
    applyVcdiff(memorySource(EMPTY_BYTES), delta, sink, { limits: { targetBytes: 10 << 20 } }),
    { code: ErrorCode.SIZE_LIMIT },
  );
  assert.equal(sink.bytesWritten, 10 << 20);
});

test("RUN bombs over 100 times what they come from stop behind the first GiB", async () => {
  const windowBytes = 1 << 26;
  const bomb = assemble({
    targetBytes: windowBytes,
    data: Uint8Array.of(0),
    instructions: [0, ...integer(windowBytes)],
  });
  const delta = concatBytes([bomb, ...Array<Uint8Array>(20).fill(bomb.subarray(HEADER.length))]);
  const sink = countingSink();
  await assert.rejects(applyVcdiff(memorySource(EMPTY_BYTES), delta, sink), {
    code: ErrorCode.SIZE_LIMIT,
    message: /over 100 times/u,
  });
  assert.equal(sink.bytesWritten, 1 << 30);
});

test("a wrong basis, a flipped bit and a truncation give a coded error or the target", async () => {
  const basis = makeBytes(3000, 7);
  const target = applyEdit(basis, { kind: "sprinkle", at: 500, length: 1000, step: 90 });
  const { delta } = await make(basis, target, { windowBytes: 1200 });
  const expectedTargetSha256 = sha256(target);
  const other = basis.slice();
  other[2000]!++;
  await assert.rejects(apply(other, delta), { code: ErrorCode.TARGET_MISMATCH });
  await assert.rejects(apply(basis.subarray(0, 2000), delta), { code: ErrorCode.BASIS_MISMATCH });
  const check = async (damaged: Uint8Array, what: string): Promise<void> => {
    const found = await apply(basis, damaged, { expectedTargetSha256 }).catch((error: unknown) => error);
    if (!isFlatdeltaError(found)) assert.deepEqual((found as { target: Uint8Array }).target, target, what);
  };
  for (let at = 0; at < delta.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = delta.slice();
      damaged[at]! ^= 1 << bit;
      await check(damaged, `bit ${bit} of byte ${at}`);
    }
    await check(delta.slice(0, at), `cut at ${at}`);
  }
});

test("an expected digest is held against the target", async () => {
  const { delta } = await make(OLD, NEW);
  await assert.rejects(apply(OLD, delta, { expectedTargetSha256: sha256(OLD) }), {
    code: ErrorCode.TARGET_MISMATCH,
  });
  await assert.rejects(apply(OLD, delta, { expectedTargetSha256: new Uint8Array(3) }), RangeError);
});

test("windows are refused that xdelta3 would not read", async () => {
  for (const windowBytes of [0, 1.5, 2 ** 24 + 1])
    await assert.rejects(make(OLD, NEW, { windowBytes }), /windowBytes: expected 1 … 16777216/u);
});

test("aborting ends both ways with the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(make(OLD, NEW, { signal }), /enough/u);
  await assert.rejects(apply(OLD, fromHex(XDELTA3), { signal }), /enough/u);
});

test("read and written by xdelta3 make the same target", {
  skip: !hasProgram("xdelta3") && "no xdelta3",
}, async () => {
  const found: string[] = [];
  await runCases(vcdiff, UNIT_RANGE, (_, differences) => found.push(...differences));
  assert.deepEqual(found, []);
});
