import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import {
  blobSource,
  concatSources,
  memoryScratch,
  memorySource,
  PagedSource,
  readRange,
  type Source,
  StreamReader,
  scanSource,
  subSource,
  toByteStream,
  writableStreamSink,
  zeroSource,
} from "../../src/io/index.ts";
import { createAtomicFile, fileScratch, openFileSource } from "../../src/io/node.ts";
import { withoutReadSync } from "../support/sources.ts";

const folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
after(() => rm(folder, { recursive: true }));

async function sourcesOf(bytes: Uint8Array, cuts: readonly number[]): Promise<Source[]> {
  const path = join(folder, "source");
  await writeFile(path, bytes);
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  const parts = edges.slice(1).map((end, i) => memorySource(bytes.subarray(edges[i]!, end)));
  const padded = concatBytes([new Uint8Array(7), bytes, new Uint8Array(5)]);
  return [
    memorySource(bytes),
    blobSource(new Blob([bytes.slice()])),
    concatSources(parts),
    subSource(memorySource(padded), 7, bytes.length),
    new PagedSource(memorySource(bytes), { pageBytes: 8, pages: 3 }),
    new PagedSource(withoutReadSync(memorySource(bytes)), { pageBytes: 8, pages: 3 }),
    await openFileSource(path),
  ];
}

test("every source gives the bytes of any range, and refuses ranges outside", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.array(fc.nat(99), { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(100), fc.nat(100)), { minLength: 1, maxLength: 10 }),
      async (bytes, cuts, ranges) => {
        const sources = await sourcesOf(
          bytes,
          cuts.map((cut) => cut % bytes.length),
        );
        for (const source of sources) {
          assert.equal(source.size, bytes.length);
          for (const [a, b] of ranges) {
            const offset = a % (bytes.length + 1);
            const length = b % (bytes.length - offset + 1);
            assert.deepEqual(await readRange(source, offset, length), bytes.slice(offset, offset + length));
          }
          await assert.rejects(async () => source.read(bytes.length, new Uint8Array(1)), RangeError);
          await assert.rejects(async () => source.read(-1, new Uint8Array(1)), RangeError);
          await source.close?.();
        }
      },
    ),
    { numRuns: 30 },
  );
});

test("zeros and ranges beyond 2^32 work without memory", async () => {
  const size = 2 ** 45;
  const source = concatSources([zeroSource(size), memorySource(Uint8Array.of(1, 2, 3))]);
  assert.deepEqual(await readRange(source, size - 1, 4), Uint8Array.of(0, 1, 2, 3));
});

test("scanning gives all bytes in order for every chunk size", async () => {
  const bytes = new Uint8Array(50).map((_, i) => i);
  for (let chunkBytes = 1; chunkBytes <= 51; chunkBytes++) {
    const parts: Uint8Array[] = [];
    for await (const piece of scanSource(memorySource(bytes), { chunkBytes })) parts.push(piece.slice());
    assert.deepEqual(concatBytes(parts), bytes);
  }
});

test("a stream reader takes exact amounts from pieces of any size, and tells where a stream ends early", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 20 })),
      fc.array(fc.nat(30)),
      async (pieces, lengths) => {
        const all = concatBytes(pieces);
        const reader = new StreamReader(
          toByteStream(
            (async function* () {
              yield* pieces;
            })(),
          ),
          "the test",
        );
        let at = 0;
        for (const length of lengths) {
          assert.deepEqual(new Uint8Array(await reader.peek(length)), all.slice(at, at + length));
          assert.equal(reader.position, at);
          if (at + length > all.length) {
            await assert.rejects(reader.read(length), { code: ErrorCode.TRUNCATED });
            return;
          }
          assert.deepEqual(await reader.read(length), all.slice(at, at + length));
          at += length;
          assert.equal(reader.position, at);
        }
        assert.equal(await reader.ended(), at === all.length);
      },
    ),
  );
});

test("a web stream is an input and an output", async () => {
  const bytes = new Uint8Array(1000).map((_, i) => i);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const sink = writableStreamSink(writable);
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 300) await sink.write(bytes.subarray(at, at + 300));
  })();
  const reader = new StreamReader(toByteStream(readable), "the test");
  assert.deepEqual(await reader.read(1000), bytes);
  await writing;
  await reader.close();
});

test("a web stream that was written to is the caller's to close or abort", async () => {
  const bytes = new Uint8Array(3);
  const events: string[] = [];
  const collect = () =>
    new WritableStream<Uint8Array>({
      write: (piece) => void events.push(`${piece.length} bytes`),
      close: () => void events.push("closed"),
      abort: (reason) => void events.push(`aborted: ${reason}`),
    });
  const closed = collect();
  await writableStreamSink(closed).write(bytes);
  await closed.close();
  await assert.rejects(writableStreamSink(closed).write(bytes));
  const aborted = collect();
  await writableStreamSink(aborted).write(bytes);
  await aborted.abort("enough");
  assert.deepEqual(events, ["3 bytes", "closed", "3 bytes", "aborted: enough"]);
});

test("an aborted stream rejects with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const stream = toByteStream(memorySource(new Uint8Array(5_000_000)), controller.signal);
  await stream.next();
  controller.abort(reason);
  await assert.rejects(stream.next(), reason);
});

test("an atomic file appears at its commit and not before, and leaves nothing when it is discarded", async () => {
  const path = join(folder, "atomic");
  await writeFile(path, "old");
  const discarded = await createAtomicFile(path);
  await discarded.write(new TextEncoder().encode("new"));
  await discarded.discard();
  assert.equal(await readFile(path, "utf8"), "old");
  const committed = await createAtomicFile(path);
  await committed.write(new TextEncoder().encode("ne"));
  await committed.write(new TextEncoder().encode("w"));
  assert.equal(await readFile(path, "utf8"), "old");
  await committed.commit();
  await committed.discard();
  assert.equal(await readFile(path, "utf8"), "new");
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes(".part")),
    [],
  );
});

test("a file that is shorter than it was says so", async () => {
  const path = join(folder, "shrinks");
  await writeFile(path, new Uint8Array(100));
  const source = await openFileSource(path);
  await writeFile(path, new Uint8Array(50));
  await assert.rejects(source.read(40, new Uint8Array(20)), { code: ErrorCode.TRUNCATED, offset: 50 });
  await source.close();
});

test("what is read at once is what is read later, with the same errors", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const path = join(folder, "at-once");
  await writeFile(path, bytes);
  const file = await openFileSource(path);
  for (const source of [memorySource(bytes), file]) {
    const into = new Uint8Array(20);
    source.readSync!(70, into);
    assert.deepEqual(into, bytes.slice(70, 90));
    assert.throws(() => source.readSync!(90, into), RangeError);
    assert.throws(() => source.readSync!(-1, into), RangeError);
  }
  await writeFile(path, bytes.subarray(0, 50));
  assert.throws(() => file.readSync!(40, new Uint8Array(20)), { code: ErrorCode.TRUNCATED, offset: 50 });
  await file.close();
});

test("pages come without a turn of the event loop from a source that reads at once, else from the cache", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  for (const canSync of [true, false]) {
    const source = canSync ? memorySource(bytes) : withoutReadSync(memorySource(bytes));
    const pages = new PagedSource(source, { pageBytes: 8, pages: 3 });
    const into = new Uint8Array(30);
    assert.equal(pages.tryRead(17, into, 5, 6), canSync);
    await pages.read(17, into.subarray(5, 11));
    assert.equal(pages.tryRead(17, into, 5, 6), true);
    assert.deepEqual([...into.subarray(4, 12)], [0, 17, 18, 19, 20, 21, 22, 0]);
    assert.equal(pages.tryRead(40, into), canSync, "longer than a page");
    if (canSync) assert.deepEqual(into, bytes.slice(40, 70));
    assert.equal(pages.tryRead(90, into), false, "behind the end");
  }
});

test("scratch files give back what was written and leave nothing behind", async () => {
  const own = await mkdtemp(join(folder, "scratch-"));
  for (const scratch of [memoryScratch, fileScratch(own)]) {
    const file = await scratch();
    await file.write(Uint8Array.of(1, 2));
    await file.write(Uint8Array.of(3));
    const source = await file.finish();
    assert.deepEqual(await readRange(source, 0, 3), Uint8Array.of(1, 2, 3));
    assert.deepEqual(await readdir(own), []);
    await file.release();
    await file.release();
  }
});
