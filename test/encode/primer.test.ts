/** Few literals are coded by what stands beside them in the basis. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { DeltaReader, encodeDeltaHeader, inspectDelta, MAX_PRIMER_BYTES } from "../../src/delta/index.ts";
import { createDelta, type DeltaCodec } from "../../src/encode/index.ts";
import { sampleSurroundings } from "../../src/encode/primer.ts";
import { ErrorCode } from "../../src/errors.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { noise } from "../codec/mix-data.ts";

const WORDS =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon".split(
    " ",
  );

/** Words in an order that looks random and is always the same. */
function makeProse(count: number, seed: number): string {
  const next = noise(seed);
  return Array.from({ length: count }, () => WORDS[(next() >>> 8) % WORDS.length]).join(" ");
}

const prose = makeProse(4000, 7);
const basis = encodeUtf8(prose);
const target = encodeUtf8(prose.slice(0, 10_000) + makeProse(150, 8) + prose.slice(10_000));

async function makeDelta(codec: DeltaCodec): Promise<Uint8Array> {
  const sink = memorySink();
  await createDelta(memorySource(basis), memorySource(target), sink, { codec });
  return sink.bytes();
}

async function readHeader(delta: Uint8Array) {
  const reader = await DeltaReader.open(delta);
  await reader.close();
  return reader.header;
}

test("the header names what is taken, and applying takes it", async () => {
  const delta = await makeDelta("mix");
  const { primer = [] } = await readHeader(delta);
  assert.ok(primer.length > 0, "a primer was chosen");
  const sink = memorySink();
  await applyDelta(memorySource(basis), delta, sink);
  assert.deepEqual(Buffer.from(sink.bytes()), Buffer.from(target));
  const brotli = await makeDelta("brotli");
  assert.ok(delta.length * 1.2 < brotli.length, `${delta.length} bytes against ${brotli.length}`);
  assert.equal((await inspectDelta(delta)).deltaBytes, delta.length);
});

test("a codec that takes none gets none", async () => {
  assert.deepEqual((await readHeader(await makeDelta("brotli"))).primer, []);
});

/** A text, and one into which 40 paragraphs were put. */
function makeGrownText(): { old: Uint8Array; changed: Uint8Array; literalBytes: number } {
  const old = makeProse(60_000, 3);
  const inserted = Array.from({ length: 40 }, (_, i) => makeProse(400, 100 + i));
  const pieces = inserted.map((text, i) => old.slice(i * 9000, (i + 1) * 9000) + text);
  return {
    old: encodeUtf8(old),
    changed: encodeUtf8(pieces.join("") + old.slice(inserted.length * 9000)),
    literalBytes: inserted.join("").length,
  };
}

test("of many literals, what stands around a sample of them is taken", async () => {
  const { old, changed, literalBytes } = makeGrownText();
  const sink = memorySink();
  await createDelta(memorySource(old), memorySource(changed), sink);
  const { primer = [] } = await readHeader(sink.bytes());
  const primerBytes = primer.reduce((sum, { length }) => sum + length, 0);
  assert.ok(literalBytes > 2 ** 16, `${literalBytes} bytes are too many to try`);
  assert.ok(
    primer.length > 10 && primerBytes <= 4 * literalBytes + 256,
    `${primer.length}, ${primerBytes} bytes`,
  );
  let end = 0;
  for (const { offset, length } of primer) {
    assert.ok(offset >= end, "in order, none twice");
    end = offset + length;
  }
  const made = memorySink();
  await applyDelta(memorySource(old), sink.bytes(), made);
  assert.deepEqual(Buffer.from(made.bytes()), Buffer.from(changed));
});

test("where literals are few the highest level takes no more bytes than those below it", async () => {
  const { old, changed, literalBytes } = makeGrownText();
  assert.ok(literalBytes > 2 ** 16 && literalBytes < 2 ** 18, `${literalBytes} bytes are not few`);
  const bytesOf = async (level: number): Promise<number> => {
    const sink = memorySink();
    // Several windows, as differences make them: literals are cut where these end.
    const options = { level, segmentBytes: 1 << 14 };
    await createDelta(memorySource(old), memorySource(changed), sink, options);
    return sink.bytes().length;
  };
  const [six, seven, eight, nine] = await Promise.all([6, 7, 8, 9].map(bytesOf));
  assert.ok(nine! <= Math.min(six!, seven!, eight!), `${six}, ${seven}, ${eight} and ${nine} bytes`);
});

test("each of the highest efforts learns from twice as many places, and all in as many bytes where literals are few", () => {
  const sampledBytes = (effort: number, literalBytes: number): number => {
    const gaps = [{ basisOffset: 2 ** 24, targetOffset: 0, length: literalBytes }];
    const ranges = sampleSurroundings(gaps, effort, literalBytes, 2 ** 30);
    return ranges.reduce((sum, { length }) => sum + length, 0);
  };
  assert.equal(sampledBytes(7, 2 ** 24), 2 ** 19);
  assert.equal(sampledBytes(8, 2 ** 24), 2 ** 20);
  assert.equal(sampledBytes(9, 2 ** 24), 2 ** 21);
  for (const effort of [7, 8, 9]) {
    const rounding = sampledBytes(effort, 2 ** 17) - 4 * 2 ** 17;
    assert.ok(rounding >= 0 && rounding < 1024, `effort ${effort}: ${rounding}`);
  }
});

test("a primer outside the basis, of too many bytes, or for a codec that takes none is refused", async () => {
  const header = await readHeader(await makeDelta("mix"));
  const other = await readHeader(await makeDelta("brotli"));
  const big = { ...header, basisBytes: 2 ** 30 };
  for (const [broken, what] of [
    [{ ...header, primer: [{ offset: basis.length - 10, length: 11 }] }, /basis of/],
    [{ ...header, primer: [{ offset: 5, length: 0 }] }, /0 bytes at 5/],
    [{ ...big, primer: [{ offset: 0, length: MAX_PRIMER_BYTES + 1 }] }, /basis of/],
    [{ ...other, primer: [{ offset: 0, length: 100 }] }, /codec brotli takes none/],
  ] as const) {
    const delta = await encodeDeltaHeader(broken);
    await assert.rejects(
      applyDelta(memorySource(basis), delta, memorySink()),
      (error: Error & { code: string }) => {
        assert.equal(error.code, ErrorCode.CORRUPT_HEADER);
        assert.match(error.message, what);
        return true;
      },
    );
  }
});

test("one flipped bit of the primer is found", async () => {
  const delta = await makeDelta("mix");
  const header = await readHeader(delta);
  const [first, ...rest] = header.primer!;
  const moved = await encodeDeltaHeader({
    ...header,
    primer: [{ ...first!, offset: first!.offset ^ 1 }, ...rest],
  });
  const headBytes = (await encodeDeltaHeader(header)).length;
  const forged = new Uint8Array([...moved, ...delta.subarray(headBytes)]);
  await assert.rejects(applyDelta(memorySource(basis), forged, memorySink()), {
    name: /FormatError|MismatchError/,
  });
});
