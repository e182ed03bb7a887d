import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyDelta } from "../../src/apply/index.ts";
import { ByteWriter, concatBytes } from "../../src/bytes/index.ts";
import {
  DeltaWriter,
  HeaderFlag,
  inspectDelta,
  OpKind,
  StreamId,
  TargetForm,
} from "../../src/delta/index.ts";
import {
  type CreateDeltaOptions,
  createDelta,
  type EntrySpan,
  type IndexedInput,
} from "../../src/encode/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { headerBlock } from "../image/tar-builder.ts";
import { makeBytes } from "../support/pairs.ts";

const { hash } = await loadHash64();

interface TarFile {
  path: string;
  mtimeSeconds: number;
  content: Uint8Array;
}

/** A tar of files, with the index that an image would give. */
async function buildIndexedTar(files: readonly TarFile[]): Promise<IndexedInput & { bytes: Uint8Array }> {
  const parts: Uint8Array[] = [];
  const entries: EntrySpan[] = [];
  let offset = 0;
  for (const { path, mtimeSeconds, content } of files) {
    const padded = new Uint8Array(Math.ceil(content.length / 512) * 512);
    padded.set(content);
    parts.push(headerBlock({ name: path, mtimeSeconds, sizeBytes: content.length }), padded);
    entries.push({
      path,
      headerOffset: offset,
      headerBytes: 512,
      contentOffset: offset + 512,
      contentBytes: content.length,
      contentHash: content.length > 0 ? hash(content) : 0n,
    });
    offset += 512 + padded.length;
  }
  const bytes = concatBytes([...parts, new Uint8Array(1024)]);
  return {
    bytes,
    source: memorySource(bytes),
    index: async () => ({ hashes: Promise.resolve({ sha256: sha256(bytes), xxh64: hash(bytes) }), entries }),
  };
}

async function roundTrip(
  files: readonly TarFile[],
  rebuilt: readonly TarFile[],
  options: CreateDeltaOptions = {},
) {
  const [basis, target] = [await buildIndexedTar(files), await buildIndexedTar(rebuilt)];
  const delta = memorySink();
  const stats = await createDelta(basis, target, delta, { codec: "deflate", level: 1, ...options });
  const patched = memorySink();
  await applyDelta(basis.source, delta.bytes(), patched);
  assert.deepEqual(Buffer.from(patched.bytes()), Buffer.from(target.bytes));
  return { stats, info: await inspectDelta(delta.bytes()) };
}

const files = (count: number): TarFile[] =>
  Array.from({ length: count }, (_, i) => ({
    path: `app/file-${i}`,
    mtimeSeconds: 1_700_000_000 + i,
    content: makeBytes((i * 379) % 2000, i + 1),
  }));

test("files that were only rebuilt are one op for each shift of their times", async () => {
  const old = files(100);
  const rebuilt = old.map((file, i) => ({ ...file, mtimeSeconds: file.mtimeSeconds + (i < 60 ? 777 : 778) }));
  const { stats } = await roundTrip(old, rebuilt);
  assert.equal(stats.literalBytes + stats.diffBytes, 0);
  assert.ok(stats.opCount <= 3, `${stats.opCount} ops`);
  assert.ok(stats.deltaBytes < 200, `${stats.deltaBytes} bytes`);
});

test("the header of an edited, a renamed or a new file costs some bytes", async () => {
  const old = files(40);
  const rebuilt = old.flatMap((file, i): TarFile[] => {
    const later = { ...file, mtimeSeconds: 1_800_000_000 };
    if (i === 10) return [{ ...later, content: concatBytes([file.content, makeBytes(3000, 99)]) }];
    if (i === 20) return [{ ...later, path: "app/some-other-name" }];
    if (i === 30) return [file, { ...later, path: "app/some-new-file", content: makeBytes(700, 98) }];
    return [file];
  });
  const { stats, info } = await roundTrip(old, rebuilt, { codec: "none" });
  assert.equal(stats.headerBytes, 3 * 512);
  assert.equal(info.headerBytes, 3 * 512);
  assert.equal(stats.diffBytes, 0);
  const newBytes = 3000 + 700 + "some-other-name".length + "some-new-file".length;
  assert.ok(stats.deltaBytes < newBytes + 1200, `${stats.deltaBytes} bytes for ${newBytes} new ones`);
});

test("untouched, changed, new and removed files beside touched ones come out right, in windows of any size", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("same", "touched", "later", "changed", "removed", "new"), { maxLength: 40 }),
      fc.integer({ min: 300, max: 20_000 }),
      async (fates, windowBytes) => {
        const old = files(fates.length);
        const rebuilt = old.flatMap((file, i): TarFile[] => {
          switch (fates[i]) {
            case "touched":
              return [{ ...file, mtimeSeconds: file.mtimeSeconds + 1000 }];
            case "later":
              return [{ ...file, mtimeSeconds: file.mtimeSeconds + 1000 + i }];
            case "changed":
              return [{ ...file, content: concatBytes([file.content, makeBytes(50, i)]) }];
            case "removed":
              return [];
            case "new":
              return [file, { ...file, path: `${file.path}-new`, content: makeBytes(700, i + 1000) }];
            default:
              return [file];
          }
        });
        await roundTrip(old, rebuilt, { windowBytes, segmentBytes: 4096 });
      },
    ),
    { numRuns: 60 },
  );
});

test("every flipped bit of a delta with headers made from others is refused by code", async () => {
  const old = files(6);
  const rebuilt = old.map((file, i) => ({ ...file, path: `${file.path}-${i}`, mtimeSeconds: 1_800_000_000 }));
  const [basis, target] = [await buildIndexedTar(old), await buildIndexedTar(rebuilt)];
  const sink = memorySink();
  const { headerBytes } = await createDelta(basis, target, sink, { codec: "none" });
  assert.equal(headerBytes, 6 * 512);
  const delta = sink.bytes();
  for (let i = 0; i < delta.length; i++) {
    for (const bit of [1, 16, 128]) {
      const damaged = delta.slice();
      damaged[i]! ^= bit;
      await assert.rejects(applyDelta(basis.source, damaged, memorySink()), isFlatdeltaError, `byte ${i}`);
    }
  }
});

test("a touch or change of what is no header, or that ends inside one, is refused", async () => {
  const { bytes, source } = await buildIndexedTar(files(3));
  const attemptOp = async (length: number, write: (control: ByteWriter) => void): Promise<void> => {
    const control = new ByteWriter();
    write(control);
    const delta = memorySink();
    const writer = await DeltaWriter.begin(delta, {
      targetForm: TargetForm.PLAIN,
      basisBytes: bytes.length,
      basisSha256: sha256(bytes),
      basisXxh64: hash(bytes),
      targetBytes: length,
      targetSha256: new Uint8Array(32),
      windowBytes: 1 << 20,
      segmentBytes: 1 << 20,
      streams: [{ stream: StreamId.CONTROL, codecId: 0, decoderMemoryBytes: 0 }],
      metadata: {},
    });
    const segments = [{ stream: StreamId.CONTROL, coded: control.view(), rawBytes: control.length }];
    await writer.writeWindow({ targetBytes: length, checksum: 0, segments });
    await writer.end(1);
    await applyDelta(source, delta.bytes(), memorySink());
  };
  const attempt = (basisOffset: number, length: number, seconds: number): Promise<void> =>
    attemptOp(length, (control) => {
      control.varint(length * 8 + OpKind.TOUCH);
      control.signedVarint(basisOffset);
      control.signedVarint(seconds);
    });
  const attemptHeader = (basisOffset: number, sizeDelta: number): Promise<void> =>
    attemptOp(512, (control) => {
      control.varint((HeaderFlag.SIZE + 1) * 8 + OpKind.HEADER);
      control.signedVarint(basisOffset);
      control.signedVarint(sizeDelta);
    });
  const refused = { code: ErrorCode.CORRUPT_BODY };
  await assert.rejects(attempt(1, 512, 5), refused);
  await assert.rejects(attempt(0, 100, 5), refused);
  await assert.rejects(attempt(0, 512 + 300, 5), refused);
  await assert.rejects(attempt(0, 512, -(2 ** 40)), refused);
  await assert.rejects(attempt(0, 512, 5), { code: ErrorCode.TARGET_MISMATCH });
  await assert.rejects(attemptHeader(1, 5), refused);
  await assert.rejects(attemptHeader(0, -5), refused);
  await assert.rejects(attemptHeader(bytes.length - 511, 5), refused);
  await assert.rejects(attemptHeader(0, 5), { code: ErrorCode.TARGET_MISMATCH });
});
