/** Coding on threads: the same bytes as in the calling thread, the same errors, and nothing left behind. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Codec, getCodec, inlineCoding, type SegmentCoding } from "../../src/codec/index.ts";
import { createCodingThreads } from "../../src/codec/node.ts";
import { ErrorCode } from "../../src/errors.ts";
import { syntheticSegment } from "./mix-data.ts";

const threads = createCodingThreads();
after(() => threads.close());

const settings = { effort: 5, windowBits: 18 };
const segments = [300, 0, 70_000, 200_000, 1, 400_000, 900].map((bytes, i) => syntheticSegment(bytes, i + 1));
const MANY = 1 << 20;

async function encodeAll(coding: SegmentCoding, codec: Codec): Promise<Uint8Array[]> {
  const encoder = coding.createEncoder(codec, settings, MANY);
  const coded: Uint8Array[] = [];
  for (const { residual, basis } of segments) coded.push(await encoder.encode(residual, basis));
  encoder.close();
  return coded;
}

for (const name of ["mix", "deflate", "brotli", "lz"] as const) {
  const codec = getCodec(name);

  test(`${name}: threads code the same bytes`, async () => {
    assert.deepEqual(await encodeAll(threads, codec), await encodeAll(inlineCoding, codec));
  });

  test(`${name}: a decoder that moves to a thread goes on where it was`, async () => {
    const coded = await encodeAll(inlineCoding, codec);
    for (const isShared of [true, false]) {
      const decoder = threads.createDecoder(codec);
      for (const [i, { residual, basis }] of segments.entries()) {
        const into = new Uint8Array(
          isShared ? new SharedArrayBuffer(residual.length) : new ArrayBuffer(residual.length),
        );
        await decoder.decode(coded[i]!, into, basis);
        assert.ok(Buffer.from(into).equals(residual), `segment ${i}`);
      }
      decoder.close();
    }
  });
}

test("mix: a decoder adds what it decodes to the basis, in the calling thread and on others", async () => {
  const codec = getCodec("mix");
  const coded = await encodeAll(inlineCoding, codec);
  const atOnce = createCodingThreads({ atOnce: true });
  for (const coding of [inlineCoding, threads, atOnce]) {
    for (const isShared of [true, false]) {
      const decoder = coding.createDecoder(codec);
      for (const [i, { residual, basis }] of segments.entries()) {
        const bytes = new Uint8Array(
          isShared ? new SharedArrayBuffer(basis.length) : new ArrayBuffer(basis.length),
        );
        bytes.set(basis);
        await decoder.addTo!(coded[i]!, bytes);
        const target = basis.map((byte, at) => byte + residual[at]!);
        assert.ok(Buffer.from(bytes).equals(target), `segment ${i}`);
      }
      decoder.close();
    }
  }
  await atOnce.close();
});

test("which decoders get a thread is the caller's choice", async () => {
  const few = createCodingThreads({ residuals: false, literalsFromBytes: 1 << 24 });
  const find = (coding: SegmentCoding, name: "mix" | "lz") =>
    [1 << 23, 1 << 24, 1 << 25].map((memoryBytes) => {
      const decoder = coding.createDecoder(getCodec(name), memoryBytes);
      decoder.close();
      return decoder.isElsewhere === true;
    });
  assert.deepEqual(find(threads, "mix"), [true, true, true]);
  assert.deepEqual(find(threads, "lz"), [false, false, true]);
  assert.deepEqual(find(few, "mix"), [false, false, false]);
  assert.deepEqual(find(few, "lz"), [false, true, true]);
  await few.close();
});

test("ops and literals are decoded on one thread, each as long as it is open, and the next on another", async () => {
  const one = createCodingThreads({ atOnce: true, ops: true, literalsFromBytes: 0 });
  // An op that copies, and one that puts in literals, as often as it takes.
  const control = Uint8Array.from({ length: 3000 }, (_, i) => [48, 6, 81][i % 3]!);
  const text = segments[3]!.basis;
  for (let round = 0; round < 2; round++) {
    const parts = [
      { codec: getCodec("ops"), raw: control },
      { codec: getCodec("lz"), raw: text },
    ].map(({ codec, raw }) => ({
      raw,
      encoder: inlineCoding.createEncoder(codec, settings, MANY),
      decoder: one.createDecoder(codec, 1 << 23),
    }));
    const check = async ({ raw, encoder, decoder }: (typeof parts)[number]): Promise<void> => {
      assert.equal(decoder.isElsewhere, true);
      const coded = await encoder.encode(raw);
      const into = new Uint8Array(raw.length);
      await decoder.decode(coded, into);
      assert.ok(Buffer.from(into).equals(raw));
    };
    for (let i = 0; i < 2; i++) await Promise.all(parts.map(check));
    parts[0]!.decoder.close();
    await check(parts[1]!);
    for (const { encoder, decoder } of parts) {
      encoder.close();
      decoder.close();
    }
  }
  await one.close();
  const few = createCodingThreads({ ops: true });
  const decoder = few.createDecoder(getCodec("ops"), 1 << 23);
  assert.notEqual(decoder.isElsewhere, true, "not before it is known that much comes");
  decoder.close();
});

test("lz: threads take the history that both sides know", async () => {
  const codec = getCodec("lz");
  const [history, raw] = [segments[3]!.basis, segments[3]!.basis.slice(1000)];
  for (const bytes of [1000, raw.length]) {
    const part = raw.subarray(0, bytes);
    const coded = await Promise.all(
      [threads, inlineCoding].map(async (coding) => {
        const encoder = coding.createEncoder(codec, settings, MANY);
        await encoder.prime!(history);
        const first = await encoder.encode(part);
        const second = await encoder.encode(raw);
        encoder.close();
        return [first, second];
      }),
    );
    assert.deepEqual(coded[0], coded[1]);
    assert.ok(coded[0]![0]!.length < 100, `${coded[0]![0]!.length}`);
    const decoder = threads.createDecoder(codec);
    await decoder.prime!(history);
    for (const [i, expected] of [part, raw].entries()) {
      const into = new Uint8Array(expected.length);
      await decoder.decode(coded[0]![i]!, into);
      assert.ok(Buffer.from(into).equals(expected), `segment ${i}`);
    }
    decoder.close();
  }
});

test("damage that a thread finds has its class and code", async () => {
  const codec = getCodec("mix");
  const { residual, basis } = syntheticSegment(500_000, 3);
  const coded = (await inlineCoding.createEncoder(codec, settings, MANY).encode(residual, basis)).slice(
    0,
    -9,
  );
  const decoder = threads.createDecoder(codec);
  await assert.rejects(decoder.decode(coded, new Uint8Array(residual.length), basis), {
    name: "FormatError",
    code: ErrorCode.CORRUPT_BODY,
  });
  decoder.close();
});

test("closing rejects what is not done, and later segments", async () => {
  const own = createCodingThreads();
  const { residual, basis } = syntheticSegment(500_000, 4);
  const encoder = own.createEncoder(getCodec("mix"), settings, MANY);
  const busy = assert.rejects(encoder.encode(residual, basis), /this one was closed/);
  await own.close();
  await busy;
  await assert.rejects(encoder.encode(residual, basis), /this one was closed/);
});

test("a coder that is left open keeps no process alive", () => {
  const door = (path: string) => JSON.stringify(new URL(`../../src/codec/${path}.ts`, import.meta.url));
  const program = `import { getCodec } from ${door("index")};
import { createCodingThreads } from ${door("node")};
const bytes = new Uint8Array(1000);
const encoder = createCodingThreads().createEncoder(getCodec("mix"), { effort: 5, windowBits: 18 }, 1 << 20);
console.log((await encoder.encode(bytes, bytes)).length > 0);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", program],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)), encoding: "utf8", timeout: 30_000 },
  );
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "true\n" }, stderr);
});
