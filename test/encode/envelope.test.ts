/** A delta between flat images carries what the head of the target is computed from, not the head. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { applyDelta } from "../../src/apply/index.ts";
import {
  type DeltaHeader,
  DeltaReader,
  DeltaWriter,
  inspectDelta,
  TargetForm,
} from "../../src/delta/index.ts";
import { type CreateDeltaOptions, createDelta, type IndexedInput } from "../../src/encode/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { type FlatImage, flattenImage } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { file, type RawEntry } from "../image/tar-builder.ts";
import { CONFIG, imageOfEntries } from "../image/tree-lines.ts";

const makeFlat = (entries: readonly RawEntry[], config: object = CONFIG): Promise<FlatImage> =>
  flattenImage(imageOfEntries([entries], config));

const bytesOf = ({ source }: IndexedInput): Promise<Uint8Array> => readRange(source, 0, source.size);

async function makeDelta(basis: IndexedInput, target: IndexedInput, options: CreateDeltaOptions = {}) {
  const sink = memorySink();
  await createDelta(basis, target, sink, { codec: "none", ...options });
  return sink.bytes();
}

async function patch(basis: IndexedInput, delta: Uint8Array): Promise<Uint8Array> {
  const sink = memorySink();
  await applyDelta(basis.source, delta, sink);
  return sink.bytes();
}

let basis: FlatImage;
let target: FlatImage;
let delta: Uint8Array;
before(async () => {
  basis = await makeFlat([file("a", "x".repeat(3000)), file("b", "old")]);
  target = await makeFlat([file("a", "x".repeat(3000)), file("b", "new"), file("c", "more")]);
  delta = await makeDelta(basis, target);
});

test("the head of a flat image is computed, and the target is the same", async () => {
  const info = await inspectDelta(delta);
  const { computedBytes, copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes } = info;
  // Names that a header gets come from the data stream too, but are no literals.
  const made = copiedBytes + diffBytes + literalBytes + runBytes + touchedBytes + headerBytes;
  assert.equal(computedBytes + made, info.targetBytes);
  assert.ok(info.computedBytes > 3000, `${info.computedBytes} bytes`);
  assert.deepEqual(Buffer.from(await patch(basis, delta)), Buffer.from(await bytesOf(target)));
});

test("images of any content and config come out right, in windows and segments of any size", async () => {
  const text = fc.string({ maxLength: 3000 });
  const image = fc.record({ files: fc.array(text, { maxLength: 5 }), label: text });
  const flat = ({ files, label }: { files: string[]; label: string }) =>
    makeFlat(
      files.map((content, i) => file(`f${i}`, content)),
      { ...CONFIG, config: { Labels: { label } } },
    );
  await fc.assert(
    fc.asyncProperty(
      image,
      image,
      fc.integer({ min: 300, max: 40_000 }),
      fc.integer({ min: 64, max: 60_000 }),
      async (old, wanted, windowBytes, segmentBytes) => {
        const [from, to] = [await flat(old), await flat(wanted)];
        const made = await makeDelta(from, to, { windowBytes, segmentBytes });
        assert.deepEqual(Buffer.from(await patch(from, made)), Buffer.from(await bytesOf(to)));
      },
    ),
    { numRuns: 60 },
  );
});

test("the first window may end with the head, or anywhere behind it", async () => {
  const { layerOffset } = (await target.index()).envelope!;
  const wanted = Buffer.from(await bytesOf(target));
  let computed = 0;
  for (let windowBytes = layerOffset; windowBytes <= layerOffset + 1100; windowBytes++) {
    const made = await makeDelta(basis, target, { windowBytes, segmentBytes: 8192 });
    if ((await inspectDelta(made)).computedBytes > 0) computed++;
    assert.deepEqual(Buffer.from(await patch(basis, made)), wanted, `windows of ${windowBytes} bytes`);
  }
  assert.ok(computed > 800, `${computed} heads computed`);
});

test("a head that is not what computing gives is made by ops", async () => {
  const bytes = await bytesOf(target);
  const index = await target.index();
  for (const offset of [0, 520, index.envelope!.configOffset + 5, index.envelope!.layerOffset - 1]) {
    const changed = bytes.slice();
    changed[offset]! ^= 1;
    const input = { source: memorySource(changed), index: async () => index };
    const made = await makeDelta(basis, input);
    const info = await inspectDelta(made);
    assert.equal(info.computedBytes, 0, `byte ${offset}`);
  }
});

/** The delta with another header around the same windows. */
async function reframe(change: (header: DeltaHeader) => DeltaHeader): Promise<Uint8Array> {
  const reader = await DeltaReader.open(delta);
  const sink = memorySink();
  const writer = await DeltaWriter.begin(sink, change(reader.header));
  for await (const window of reader.windows()) await writer.writeWindow(window);
  await writer.end(reader.windowCount);
  return sink.bytes();
}

test("an envelope that lies gives a coded error", async () => {
  const numbers = { headBytes: 512, configBytes: 1, digestOffset: 1, entryCount: 1 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...(Object.keys(numbers) as (keyof typeof numbers)[])),
      fc.oneof(
        fc.nat(12),
        fc.nat(1000),
        fc.maxSafeNat().map((n) => Math.floor(n / 512)),
      ),
      async (key, steps) => {
        const { header } = await DeltaReader.open(delta);
        const value = steps * numbers[key];
        if (value === header.envelope![key]) return;
        const forged = await reframe((old) => ({ ...old, envelope: { ...old.envelope!, [key]: value } }));
        await assert.rejects(patch(basis, forged), isFlatdeltaError);
      },
    ),
    { numRuns: 100 },
  );
});

test("an envelope around a target that is none is refused", async () => {
  const corrupt = { code: ErrorCode.CORRUPT_HEADER };
  const plain = await reframe((header) => ({ ...header, targetForm: TargetForm.PLAIN }));
  await assert.rejects(patch(basis, plain), corrupt);
  const short = await reframe((header) => ({ ...header, targetBytes: header.envelope!.headBytes }));
  await assert.rejects(patch(basis, short), corrupt);
});

test("a first window that ends inside the head is refused", async () => {
  const reader = await DeltaReader.open(delta);
  const sink = memorySink();
  const writer = await DeltaWriter.begin(sink, reader.header);
  const { headBytes } = reader.header.envelope!;
  for await (const window of reader.windows()) {
    for (const targetBytes of [headBytes, window.targetBytes - headBytes])
      await writer.writeWindow({ ...window, targetBytes });
  }
  await writer.end(2);
  await assert.rejects(patch(basis, sink.bytes()), { code: ErrorCode.CORRUPT_BODY });
});

test("every flipped bit is refused by code, and every truncation", async () => {
  for (let i = 0; i < delta.length; i++) {
    await assert.rejects(patch(basis, delta.subarray(0, i)), { code: ErrorCode.TRUNCATED });
    const damaged = delta.slice();
    damaged[i]! ^= 1 << (i % 8);
    await assert.rejects(patch(basis, damaged), isFlatdeltaError, `byte ${i}`);
  }
});
