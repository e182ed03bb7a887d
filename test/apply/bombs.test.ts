/** Deltas that are small and mean to become large: each stops at a limit, before memory or disk suffer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, deflateRawSync } from "node:zlib";
import { applyDelta, applyDeltaInPlace } from "../../src/apply/index.ts";
import { ByteWriter } from "../../src/bytes/index.ts";
import { getCodec } from "../../src/codec/index.ts";
import {
  BasisCursor,
  type CodedSegment,
  type DeltaHeader,
  type DeltaLimits,
  DeltaWriter,
  encodeOp,
  inspectDelta,
  OpKind,
  StreamId,
  shortenChecksum,
  TargetForm,
} from "../../src/delta/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { countingSink, memorySink, memorySource } from "../../src/io/index.ts";
import { SimulatedDisk } from "../faults/disk.ts";

const { hash } = await loadHash64();
const BASIS = new Uint8Array(100);
const MIB = 2 ** 20;
const GIB = 2 ** 30;

function headerOf(targetBytes: number, more: Partial<DeltaHeader> = {}): DeltaHeader {
  return {
    targetForm: TargetForm.PLAIN,
    basisBytes: BASIS.length,
    basisSha256: sha256(BASIS),
    basisXxh64: hash(BASIS),
    targetBytes,
    targetSha256: new Uint8Array(32),
    windowBytes: GIB,
    segmentBytes: 2 ** 19,
    streams: [{ stream: StreamId.CONTROL, codecId: 0, decoderMemoryBytes: 0 }],
    metadata: {},
    ...more,
  };
}

/** A window of one op that makes zeros out of nothing. */
function runWindow(length: number): CodedSegment[] {
  const control = new ByteWriter();
  const op = { kind: OpKind.RUN, length, basisOffset: 0, byte: 0, timeShift: 0 };
  encodeOp(control, op, new BasisCursor());
  return [{ stream: StreamId.CONTROL, coded: control.view(), rawBytes: control.length }];
}

async function write(
  header: DeltaHeader,
  windows: readonly { targetBytes: number; segments: CodedSegment[]; checksum?: number }[],
): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await DeltaWriter.begin(sink, header);
  for (const window of windows) await writer.writeWindow({ checksum: 0, ...window });
  await writer.end(windows.length);
  return sink.bytes();
}

/** Apply to a sink that counts; the code of the error, and how much was written until then. */
async function bytesUntil(
  code: string,
  delta: Uint8Array,
  limits: Partial<DeltaLimits> = {},
): Promise<number> {
  const sink = countingSink();
  await assert.rejects(applyDelta(memorySource(BASIS), delta, sink, { limits }), { code });
  await assert.rejects(inspectDelta(delta, { limits }), { code });
  return sink.bytesWritten;
}

test("a target over the limit is refused before the first byte", async () => {
  const delta = await write(headerOf(2 ** 36 + 1), [{ targetBytes: GIB, segments: runWindow(GIB) }]);
  assert.equal(await bytesUntil(ErrorCode.SIZE_LIMIT, delta), 0);
});

test("a RUN bomb stops at 1 GiB and 100 times what came in", async () => {
  const first = {
    targetBytes: MIB,
    segments: runWindow(MIB),
    checksum: shortenChecksum(hash(new Uint8Array(MIB))),
  };
  const next = { targetBytes: GIB, segments: runWindow(GIB) };
  const delta = await write(headerOf(30 * GIB), [first, ...Array.from({ length: 29 }, () => next)]);
  assert.ok(delta.length < 1000);
  assert.ok((await bytesUntil(ErrorCode.SIZE_LIMIT, delta)) <= MIB);
});

test("a delta of a large basis may make as much as that allows", async () => {
  const header = headerOf(2 * GIB, { basisBytes: 2 ** 24 });
  const window = { targetBytes: GIB, segments: runWindow(GIB) };
  assert.equal((await inspectDelta(await write(header, [window, window]))).runBytes, 2 * GIB);
  const more = await write({ ...header, targetBytes: 4 * GIB }, [window, window, window, window]);
  await assert.rejects(inspectDelta(more), { code: ErrorCode.SIZE_LIMIT });
  await inspectDelta(more, { limits: { expansion: 1000 } });
});

test("ops without end stop at the limit for ops", async () => {
  const control = new Uint8Array(2000).fill(0);
  for (let i = 0; i < control.length; i += 2) control[i] = 8 + OpKind.RUN;
  const segments = [{ stream: StreamId.CONTROL, coded: control, rawBytes: control.length }];
  const window = { targetBytes: 1000, segments, checksum: shortenChecksum(hash(new Uint8Array(1000))) };
  const delta = await write(
    headerOf(5000),
    Array.from({ length: 5 }, () => window),
  );
  assert.ok((await bytesUntil(ErrorCode.COUNT_LIMIT, delta, { opBytes: 5000 })) <= 2000);
  assert.equal((await inspectDelta(delta, { limits: { opBytes: 10_000 } })).opCount, 5000);
});

for (const [codec, compress] of [
  ["brotli", brotliCompressSync],
  ["deflate", deflateRawSync],
] as const) {
  test(`a ${codec} bomb in a segment makes no more than the segment says`, async () => {
    const coded = new Uint8Array(compress(new Uint8Array(64 * MIB)));
    assert.ok(coded.length < 100_000);
    const control = new ByteWriter();
    encodeOp(
      control,
      { kind: OpKind.DATA, length: 2 ** 19, basisOffset: 0, byte: 0, timeShift: 0 },
      new BasisCursor(),
    );
    const data = { stream: StreamId.DATA, coded, rawBytes: 2 ** 19 };
    const segments = [{ stream: StreamId.CONTROL, coded: control.view(), rawBytes: control.length }, data];
    const streams = [
      { stream: StreamId.CONTROL, codecId: 0, decoderMemoryBytes: 0 },
      { stream: StreamId.DATA, codecId: getCodec(codec).id, decoderMemoryBytes: 2 ** 22 },
    ];
    const delta = await write(headerOf(2 ** 19, { streams }), [{ targetBytes: 2 ** 19, segments }]);
    const before = process.memoryUsage().rss;
    const written = await bytesUntil(ErrorCode.CORRUPT_BODY, delta);
    assert.equal(written, 0);
    assert.ok(process.memoryUsage().rss - before < 48 * MIB);
  });
}

test("a decoder that asks for gigabytes is refused before it is made", async () => {
  for (const exponent of [27, 40, 52]) {
    const streams = [{ stream: StreamId.CONTROL, codecId: 5, decoderMemoryBytes: 2 ** exponent }];
    const delta = await write(headerOf(1, { streams }), []);
    assert.equal(await bytesUntil(ErrorCode.MEMORY_LIMIT, delta), 0);
  }
});

async function inPlace(header: DeltaHeader, limits: Partial<DeltaLimits>): Promise<string> {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("image", "new");
  await file.write(0, BASIS);
  await disk.folder("").makeFolder("scratch");
  disk.settle();
  const segments = runWindow(header.targetBytes);
  const delta = await write(header, [{ targetBytes: header.targetBytes, segments }]);
  const target = { file, scratch: disk.folder("scratch"), growthBytes: 2 ** 40 };
  const failed = await applyDeltaInPlace(target, delta, { limits }).catch(
    (error: { code: string }) => error.code,
  );
  assert.equal(file.size, BASIS.length);
  assert.deepEqual(await disk.folder("scratch").list(), []);
  return failed as string;
}

test("a plan of too many blocks is refused before the basis is touched", async () => {
  const header = headerOf(GIB, {
    inPlace: { stepBytes: 512, blockBytes: 512, stashBytes: 0, spoolBytes: 1024 },
  });
  assert.equal(await inPlace(header, { planBytes: 2 ** 20 }), ErrorCode.MEMORY_LIMIT);
});

test("scratch space over the limit is refused before any of it is written", async () => {
  const header = headerOf(1000, {
    inPlace: { stepBytes: 512, blockBytes: 512, stashBytes: 0, spoolBytes: 2 ** 40 },
  });
  assert.equal(await inPlace(header, {}), ErrorCode.SIZE_LIMIT);
});
