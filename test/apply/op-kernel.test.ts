/** What carries out ops in WASM against what does so op by op. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OpKernel } from "../../src/apply/kernel/op-kernel.ts";
import { TargetOutput } from "../../src/apply/output.ts";
import { WindowApplier } from "../../src/apply/window-applier.ts";
import { ByteWriter } from "../../src/bytes/index.ts";
import { BasisCursor, encodeOp, type Op, OpKind, OpReader, type OpTotals } from "../../src/delta/index.ts";
import { isFlatdeltaError } from "../../src/errors.ts";
import { createSha256, loadHash64 } from "../../src/hash/index.ts";
import { memorySink, memorySource, PagedSource, type Source } from "../../src/io/index.ts";
import { makeBytes } from "../support/pairs.ts";
import { withoutReadSync } from "../support/sources.ts";

// More pages than are kept at first.
const basis = makeBytes(6_000_003, 1);
const segment = makeBytes(1 << 16, 2);

interface Window {
  control: Uint8Array;
  targetBytes: number;
  literalBytes: number;
  residualBytes: number;
}

/** Ops that reach anywhere, and often to where the one before was. */
const ops = fc.array(
  fc.record({
    kind: fc.constantFrom(OpKind.COPY, OpKind.DIFF, OpKind.DATA, OpKind.RUN),
    length: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 200 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 70_000 }) },
    ),
    jump: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -50, max: 50 }) },
      { weight: 1, arbitrary: fc.integer({ min: -basis.length, max: basis.length }) },
    ),
    byte: fc.nat(255),
  }),
  { minLength: 1, maxLength: 150 },
);

type Drawn = typeof ops extends fc.Arbitrary<infer T> ? T : never;

function encodeWindow(drawn: Drawn): Window {
  const out = new ByteWriter();
  const cursor = new BasisCursor();
  const used: Record<number, number> = { [OpKind.DATA]: 0, [OpKind.DIFF]: 0 };
  let [place, targetBytes] = [0, 0];
  for (const { kind, length: wanted, jump, byte } of drawn) {
    const left = segment.length - (used[kind] ?? 0);
    const length = kind in used ? Math.min(wanted, left) : wanted;
    if (length === 0) continue;
    if (kind in used) used[kind]! += length;
    const readsBasis = kind === OpKind.COPY || kind === OpKind.DIFF;
    const basisOffset = readsBasis ? Math.max(0, Math.min(place + jump, basis.length - length)) : 0;
    place = readsBasis ? basisOffset + length : place + length;
    targetBytes += length;
    const op: Op = { kind, length, basisOffset, byte: kind === OpKind.RUN ? byte : 0, timeShift: 0 };
    encodeOp(out, op, cursor);
  }
  const [literalBytes, residualBytes] = [used[OpKind.DATA]!, used[OpKind.DIFF]!];
  return { control: out.view().slice(), targetBytes, literalBytes, residualBytes };
}

interface Outcome {
  made: Buffer;
  totals: OpTotals;
  /** Why it broke off. */
  error: string | undefined;
}

async function carryOut(
  window: Window,
  source: Source,
  hasKernel: boolean,
  { outputBytes = 5000, segmentsBytes = 1 << 20 } = {},
): Promise<Outcome> {
  const kernel = hasKernel
    ? await OpKernel.create({ basisBytes: source.size, outputBytes, segmentsBytes })
    : undefined;
  const sink = memorySink();
  const hash64 = await loadHash64();
  const buffers = kernel?.outputs ?? [new Uint8Array(outputBytes), new Uint8Array(outputBytes)];
  const output = new TargetOutput(sink, createSha256(), () => hash64.create(), buffers);
  const pages = new PagedSource(source, kernel?.pages);
  const applier = new WindowApplier(pages, output, undefined, kernel);
  const data = segment.subarray(0, window.literalBytes);
  const residual = segment.subarray(0, window.residualBytes);
  const bounds = {
    basisBytes: source.size,
    windowBytes: window.targetBytes,
    literalBytes: window.literalBytes,
    residualBytes: window.residualBytes,
  };
  const reader = new OpReader(window.control, bounds, new BasisCursor());
  let error: string | undefined;
  try {
    await applier.apply({ data, residual, residualIsTarget: false, finish: () => Promise.resolve() }, reader);
  } catch (thrown) {
    assert.ok(isFlatdeltaError(thrown), String(thrown));
    error = `${thrown.code}: ${thrown.message}`;
  }
  await output.finish();
  return { made: Buffer.from(sink.bytes()), totals: applier.totals, error };
}

for (const [name, source] of [
  ["at once", memorySource(basis)],
  ["later", withoutReadSync(memorySource(basis))],
] as const) {
  test(`the kernel makes the same bytes, from a source that reads ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(ops, fc.constantFrom(100, 5000, 1 << 20), async (drawn, outputBytes) => {
        const window = encodeWindow(drawn);
        const expected = await carryOut(window, source, false, { outputBytes });
        assert.equal(expected.error, undefined);
        assert.equal(expected.made.length, window.targetBytes);
        assert.deepEqual(await carryOut(window, source, true, { outputBytes }), expected);
      }),
      { numRuns: 40 },
    );
  });
}

test("the kernel breaks off damaged ops where and how the reader does", async () => {
  await fc.assert(
    fc.asyncProperty(ops, fc.nat(), fc.nat(255), async (drawn, at, byte) => {
      const window = encodeWindow(drawn);
      window.control[at % window.control.length] = byte;
      const source = memorySource(basis);
      assert.deepEqual(await carryOut(window, source, true), await carryOut(window, source, false));
    }),
    { numRuns: 150 },
  );
});

test("segments that do not fit the kernel are used without it", async () => {
  const drawn = { length: 100, jump: 0, byte: 7 };
  const window = encodeWindow([
    { ...drawn, kind: OpKind.DATA },
    { ...drawn, kind: OpKind.DIFF },
  ]);
  const source = memorySource(basis);
  const expected = await carryOut(window, source, false);
  assert.deepEqual(await carryOut(window, source, true, { segmentsBytes: 150 }), expected);
});

test("the kernel hashes what is in its outputs, in whatever pieces", async () => {
  const kernel = await OpKernel.create({ basisBytes: 1000, outputBytes: 1000, segmentsBytes: 1000 });
  assert.ok(kernel !== undefined);
  const [output] = kernel.outputs;
  output.set(segment.subarray(0, output.length));
  const hash64 = await loadHash64();
  fc.assert(
    fc.property(fc.array(fc.nat(100), { maxLength: 10 }), (lengths) => {
      const hash = kernel.startHash();
      let at = 0;
      for (const length of lengths) {
        hash.update(output.subarray(at, at + length));
        at += length;
      }
      assert.equal(hash.digest(), hash64.hash(output.subarray(0, at)));
    }),
    { numRuns: 500 },
  );
});
