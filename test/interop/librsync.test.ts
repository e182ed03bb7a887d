/** Signatures and deltas of librsync. Against the tool itself they are checked by test/interop-cross. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes, fromHex, toHex } from "../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import {
  applyRdiffDelta,
  createRdiffDelta,
  inspectRdiffDelta,
  type RdiffSignature,
  readRdiffSignature,
  type WriteRdiffSignatureOptions,
  writeRdiffSignature,
} from "../../src/interop/index.ts";
import { chooseRdiffBlockBytes, minRdiffStrongBytes } from "../../src/interop/librsync/defaults.ts";
import { instantiateWeakKernel } from "../../src/interop/librsync/kernel/load.ts";
import { EMPTY_WEAK_HASH, WeakHasher } from "../../src/interop/librsync/weak-hash.ts";
import { memorySink, memorySource, type Source, zeroSource } from "../../src/io/index.ts";
import { hasProgram } from "../interop-cross/check.ts";
import { rdiff } from "../interop-cross/rdiff.ts";
import { runCases, UNIT_RANGE } from "../interop-cross/run-cases.ts";
import { inPieces, makeBytes, pairArbitrary } from "../support/pairs.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function sign(basis: Uint8Array, options: WriteRdiffSignatureOptions = {}): Promise<Uint8Array> {
  const sink = memorySink();
  await writeRdiffSignature(basis, sink, options);
  return sink.bytes();
}

async function makeDelta(basis: Source | RdiffSignature, target: Uint8Array): Promise<Uint8Array> {
  const sink = memorySink();
  await createRdiffDelta(basis, memorySource(target), sink);
  return sink.bytes();
}

async function apply(basis: Uint8Array, delta: Uint8Array): Promise<Uint8Array> {
  const sink = memorySink();
  await applyRdiffDelta(memorySource(basis), delta, sink);
  return sink.bytes();
}

const withCode = (...codes: readonly string[]) => {
  return (error: unknown): true => {
    assert.ok(isFlatdeltaError(error), String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  };
};

/** What `rdiff -b 8 -S 8 signature` of librsync 2.3.2 wrote of `hello, world: rdiff`. */
const SIGNATURES = [
  [
    "rollsum",
    "md4",
    "72730136000000080000000811fa03cf901e2e9db521bfc611fe03d981d5beff1ac44c6d03270192483c920b8e241f2b",
  ],
  [
    "rollsum",
    "blake2b",
    "72730137000000080000000811fa03cf23385c27c552fe8211fe03d9b0c9416f55d53a5c03270192c2e77ea5e3aacf25",
  ],
  [
    "rabinkarp",
    "md4",
    "727301460000000800000008ca942034901e2e9db521bfc69fea271681d5beff1ac44c6db4235c82483c920b8e241f2b",
  ],
  [
    "rabinkarp",
    "blake2b",
    "727301470000000800000008ca94203423385c27c552fe829fea2716b0c9416f55d53a5cb4235c82c2e77ea5e3aacf25",
  ],
] as const;

const hashes = fc.record({
  weakHash: fc.constantFrom("rollsum" as const, "rabinkarp" as const),
  strongHash: fc.constantFrom("md4" as const, "blake2b" as const),
});

describe("weak hashes of librsync", () => {
  for (const [kind, four, all] of [
    ["rollsum", 0x01400082, 0x3a009e80],
    ["rabinkarp", 0xaf981e97, 0xc1972381],
  ] as const) {
    it(`${kind} has the values that librsync publishes`, async () => {
      const hasher = new WeakHasher(await instantiateWeakKernel(), kind);
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const empty = EMPTY_WEAK_HASH[kind];
      assert.equal(hasher.update(empty, bytes.subarray(0, 4)), four);
      assert.equal(hasher.update(empty, bytes), all);
      assert.equal(hasher.update(hasher.update(empty, bytes.subarray(0, 101)), bytes.subarray(101)), all);
    });
  }
});

describe("signatures of rdiff", () => {
  const BASIS = text("hello, world: rdiff");
  for (const [weakHash, strongHash, hex] of SIGNATURES) {
    it(`are those of rdiff: ${weakHash}, ${strongHash}`, async () => {
      const written = await sign(BASIS, { weakHash, strongHash, blockBytes: 8, strongBytes: 8 });
      assert.equal(toHex(written), hex);
      const read = await readRdiffSignature(inPieces(written, 5));
      assert.deepEqual(
        [read.weakHash, read.strongHash, read.blockBytes, read.strongBytes, read.weakHashes.length],
        [weakHash, strongHash, 8, 8, 3],
      );
    });
  }

  it("have the lengths that librsync chooses", () => {
    assert.deepEqual([undefined, 0, 65_536, 65_537, 300_000, 2 ** 40].map(chooseRdiffBlockBytes), [
      2048,
      256,
      256,
      256,
      512,
      2 ** 20,
    ]);
    assert.equal(minRdiffStrongBytes(300_000, 512), 7);
    assert.equal(minRdiffStrongBytes(undefined, 2048), 12);
    assert.equal(minRdiffStrongBytes(0, 256), 2 + Math.floor((24 + 7) / 8));
  });

  it("are the same from a stream in pieces, apart from the lengths chosen", async () => {
    const basis = makeBytes(70_000, 3);
    const options = { blockBytes: 1000, strongBytes: 32 };
    const sink = memorySink();
    const stats = await writeRdiffSignature(inPieces(basis, 333), sink, options);
    assert.deepEqual(sink.bytes(), await sign(basis, options));
    assert.deepEqual([stats.blockCount, stats.basisBytes], [70, 70_000]);
    assert.deepEqual(stats.basisSha256, sha256(basis));
    const piped = await readRdiffSignature(await signStream(inPieces(basis, 333)));
    assert.equal(piped.blockBytes, 2048);
  });

  it("refuse lengths that cannot be", async () => {
    for (const options of [
      { blockBytes: 0 },
      { blockBytes: 2 ** 32 },
      { strongBytes: 0 },
      { strongBytes: 33 },
    ])
      await assert.rejects(sign(BASIS, options), RangeError);
    await assert.rejects(sign(BASIS, { strongHash: "md4", strongBytes: 17 }), RangeError);
  });

  it("are refused where they are cut off or out of range", async () => {
    const whole = await sign(BASIS, { blockBytes: 8 });
    for (let length = 0; length < whole.length; length++) {
      if (length >= 12 && (length - 12) % 36 === 0) continue;
      await assert.rejects(readRdiffSignature(whole.subarray(0, length)), withCode(ErrorCode.TRUNCATED));
    }
    const changed = (at: number, value: number) => whole.map((byte, i) => (i === at ? value : byte));
    await assert.rejects(readRdiffSignature(changed(3, 0x48)), withCode(ErrorCode.BAD_MAGIC));
    await assert.rejects(readRdiffSignature(changed(7, 0)), withCode(ErrorCode.CORRUPT_HEADER));
    await assert.rejects(readRdiffSignature(changed(11, 33)), withCode(ErrorCode.CORRUPT_HEADER));
    await assert.rejects(readRdiffSignature(changed(11, 0)), withCode(ErrorCode.CORRUPT_HEADER));
    await assert.rejects(readRdiffSignature(changed(4, 0xff)), withCode(ErrorCode.MEMORY_LIMIT));
    const limits = { hashBytes: 100 };
    await assert.rejects(readRdiffSignature(whole, { limits }), withCode(ErrorCode.MEMORY_LIMIT));
  });
});

describe("deltas of rdiff", () => {
  it("lead from any basis to any target, with any hashes", async () => {
    await fc.assert(
      fc.asyncProperty(
        pairArbitrary,
        hashes,
        fc.constantFrom(1, 3, 16, 100, 1024, 70_000),
        async ({ basis, target }, kinds, blockBytes) => {
          const signature = await readRdiffSignature(await sign(basis, { ...kinds, blockBytes }));
          for (const from of [signature, memorySource(basis)]) {
            const delta = await makeDelta(from, target);
            assert.deepEqual(await apply(basis, delta), target);
            assert.equal((await inspectRdiffDelta(delta)).targetBytes, target.length);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("copy every block that the basis has, wherever it went, and the short last one at the end", async () => {
    const basis = makeBytes(100_050, 9);
    const block = (i: number): Uint8Array => basis.subarray(i * 100, i * 100 + 100);
    const target = concatBytes([
      text("a"),
      block(999),
      text("bc"),
      block(0),
      block(1),
      block(500),
      basis.subarray(100_000),
    ]);
    for (const weakHash of ["rollsum", "rabinkarp"] as const) {
      const signature = await readRdiffSignature(await sign(basis, { weakHash, blockBytes: 100 }));
      const { literalBytes, copiedBytes } = await inspectRdiffDelta(await makeDelta(signature, target));
      assert.deepEqual([literalBytes, copiedBytes], [3, 450]);
    }
  });

  it("find all of several blocks with one weak hash", async () => {
    // Moving one from the middle to both its neighbours changes neither sum of rollsum.
    const variants = [0, 1, 2, 3].map((k) => {
      const block = new Uint8Array(64).fill(100);
      block[10 * k + 1]! += 1;
      block[10 * k + 2]! -= 2;
      block[10 * k + 3]! += 1;
      return block;
    });
    const signature = await readRdiffSignature(
      await sign(concatBytes(variants), { weakHash: "rollsum", blockBytes: 64 }),
    );
    assert.equal(new Set(signature.weakHashes).size, 1);
    const { literalBytes } = await inspectRdiffDelta(
      await makeDelta(signature, concatBytes(variants.reverse())),
    );
    assert.equal(literalBytes, 0);
  });

  it("copy past the edges of blocks where the basis is at hand", async () => {
    const basis = makeBytes(40_000, 4);
    const target = concatBytes([basis.subarray(1013, 9017), text("new"), basis.subarray(20_001)]);
    const { literalBytes, opCount } = await inspectRdiffDelta(await makeDelta(memorySource(basis), target));
    assert.deepEqual([literalBytes, opCount], [3, 3]);
  });

  it("are applied in whatever pieces they arrive", async () => {
    const basis = makeBytes(5000, 1);
    const target = concatBytes([basis.subarray(2500), makeBytes(3000, 77), basis.subarray(0, 2600)]);
    const delta = await makeDelta(memorySource(basis), target);
    for (const pieceBytes of [1, 2, 7, 100, 65_536]) {
      const sink = memorySink();
      const result = await applyRdiffDelta(memorySource(basis), inPieces(delta, pieceBytes), sink);
      assert.deepEqual(sink.bytes(), target);
      assert.deepEqual(result.targetSha256, sha256(target));
      assert.equal(result.deltaBytes, delta.length);
    }
  });

  it("have integers of all sizes", async () => {
    const basis = zeroSource(2 ** 33);
    for (const [hex, targetBytes] of [
      ["01aa", 1],
      ["4101aa", 1],
      ["420001aa", 1],
      ["4300000001aa", 1],
      ["440000000000000001aa", 1],
      ["450505", 5],
      ["46050005", 5],
      ["4f0000000100000005", 5],
      ["51000000010000000005", 5],
      ["54000000010000000000000000000000ff", 255],
    ] as const) {
      const result = await applyRdiffDelta(basis, fromHex(`72730236${hex}00`), memorySink());
      assert.equal(result.targetBytes, targetBytes, hex);
    }
  });

  it("have no op without length, no unknown op and no number over 2^53", async () => {
    for (const hex of [
      "4100",
      "450500",
      "55",
      "ff",
      "4400200000000000000000",
      "54002000000000000000000000000000ff",
    ]) {
      const applied = applyRdiffDelta(zeroSource(1000), fromHex(`72730236${hex}00`), memorySink());
      await assert.rejects(applied, withCode(ErrorCode.CORRUPT_BODY), hex);
    }
  });

  it("read and written by rdiff make the same target", {
    skip: !hasProgram("rdiff") && "no rdiff",
  }, async () => {
    const found: string[] = [];
    await runCases(rdiff, UNIT_RANGE, (_, differences) => found.push(...differences));
    assert.deepEqual(found, []);
  });
});

describe("damaged deltas of rdiff", () => {
  const BASIS = makeBytes(600, 5);
  const TARGET = concatBytes([BASIS.subarray(300), text("literal"), BASIS.subarray(0, 310)]);
  const CODES = [
    ErrorCode.BAD_MAGIC,
    ErrorCode.TRUNCATED,
    ErrorCode.CORRUPT_BODY,
    ErrorCode.TRAILING_DATA,
    ErrorCode.TARGET_MISMATCH,
    ErrorCode.SIZE_LIMIT,
  ];
  const options = { expectedTargetSha256: sha256(TARGET) };

  it("are refused wherever they are cut off", async () => {
    const delta = await makeDelta(memorySource(BASIS), TARGET);
    for (let length = 0; length < delta.length; length++) {
      const applied = applyRdiffDelta(memorySource(BASIS), delta.subarray(0, length), memorySink());
      await assert.rejects(applied, withCode(ErrorCode.TRUNCATED));
    }
    const longer = concatBytes([delta, Uint8Array.of(0)]);
    await assert.rejects(apply(BASIS, longer), withCode(ErrorCode.TRAILING_DATA));
  });

  it("are refused for any flipped bit, where the target's digest is known", async () => {
    const delta = await makeDelta(memorySource(BASIS), TARGET);
    for (let bit = 0; bit < 8 * delta.length; bit++) {
      const damaged = delta.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const sink = memorySink();
      await assert.rejects(applyRdiffDelta(memorySource(BASIS), damaged, sink, options), withCode(...CODES));
    }
  });

  it("of a wrong basis are refused, before anything is written where its digest is known", async () => {
    const delta = await makeDelta(memorySource(BASIS), TARGET);
    const wrong = memorySource(makeBytes(600, 6));
    const sink = memorySink();
    const expectedBasisSha256 = sha256(BASIS);
    await assert.rejects(
      applyRdiffDelta(wrong, delta, sink, { expectedBasisSha256 }),
      withCode(ErrorCode.BASIS_MISMATCH),
    );
    assert.equal(sink.bytes().length, 0);
    await assert.rejects(applyRdiffDelta(wrong, delta, sink, options), withCode(ErrorCode.TARGET_MISMATCH));
    const applied = await applyRdiffDelta(memorySource(BASIS), delta, sink, { expectedBasisSha256 });
    assert.equal(applied.targetBytes, TARGET.length);
  });

  it("stop at the limit of the target's size, before its bytes are made", async () => {
    const basis = zeroSource(2 ** 42);
    const copy = (length: string) => fromHex(`727302364800${length}00`);
    for (const [delta, limits] of [
      [copy("0000020000000000"), {}],
      [copy("00000000000003e9"), { targetBytes: 1000 }],
    ] as const) {
      const sink = memorySink();
      await assert.rejects(applyRdiffDelta(basis, delta, sink, { limits }), withCode(ErrorCode.SIZE_LIMIT));
      assert.equal(sink.bytes().length, 0);
    }
  });
});

async function signStream(basis: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const sink = memorySink();
  await writeRdiffSignature(basis, sink);
  return sink.bytes();
}
