/** Applying in place: what it makes, what it takes, and what it refuses. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JOURNAL_BYTES } from "../../src/apply/in-place/journal.ts";
import { applyDeltaInPlace, findPendingUpdate, type InPlaceTarget } from "../../src/apply/index.ts";
import { equalBytes } from "../../src/bytes/index.ts";
import { zstdCodec } from "../../src/codec/zstd.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { createDelta, DELTA_CODECS } from "../../src/encode/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { SimulatedDisk } from "../faults/disk.ts";
import { type InPlacePair, makeDelta, makePairs } from "./in-place-pairs.ts";

/** A disk with an image, and what it takes to update that. */
async function targetOn(basis: Uint8Array): Promise<{ disk: SimulatedDisk; target: InPlaceTarget }> {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("image", "new");
  await file.write(0, basis);
  await disk.folder("").makeFolder("scratch");
  disk.settle();
  return { disk, target: { file, scratch: disk.folder("scratch") } };
}

const contentOf = ({ file }: InPlaceTarget): Promise<Uint8Array> => readRange(file, 0, file.size);

/** The largest that each scratch file became. */
function scratchPeaks(disk: SimulatedDisk): Map<string, number> {
  const peaks = new Map<string, number>();
  for (const { kind, what } of disk.operations) {
    const found = /^scratch\/(\w+) (\d+)\+(\d+)$/.exec(what);
    if (kind !== "write" || found === null) continue;
    peaks.set(found[1]!, Math.max(peaks.get(found[1]!) ?? 0, Number(found[2]) + Number(found[3])));
  }
  return peaks;
}

const onePair = (kind: string): InPlacePair =>
  [...makePairs(14, 300, 3000)].find(({ name }) => name.startsWith(kind))!;

describe("applying in place", () => {
  test("makes the target within the scratch space that the delta declares, whatever moved where", async () => {
    for (const maxStashBytes of [0, 512, 2048, 2 ** 26]) {
      for (const pair of makePairs(56, 40, 4000)) {
        const delta = await makeDelta(pair, { maxStashBytes });
        const { inPlace } = await inspectDelta(delta);
        assert.ok(inPlace!.stashBytes <= maxStashBytes);
        const { disk, target } = await targetOn(pair.basis);
        const result = await applyDeltaInPlace(target, delta);
        assert.ok(equalBytes(await contentOf(target), pair.target), pair.name);
        const isSame = equalBytes(pair.basis, pair.target);
        assert.equal(result.done, isSame ? "none" : "applied");
        const peaks = scratchPeaks(disk);
        const stashBytes = peaks.get("stash") ?? 0;
        assert.ok(stashBytes <= inPlace!.stashBytes, `${pair.name}: stash ${stashBytes}`);
        const spoolBytes = peaks.get("spool") ?? 0;
        assert.ok(spoolBytes <= inPlace!.spoolBytes, `${pair.name}: spool ${spoolBytes}`);
        // A file that grows is as large as its target from the first step on.
        const declaredBytes = inPlace!.stashBytes + inPlace!.spoolBytes + JOURNAL_BYTES;
        const fileBytes = Math.max(pair.basis.length, pair.target.length);
        assert.ok(
          disk.peakBytes <= fileBytes + declaredBytes,
          `${pair.name}: all together ${disk.peakBytes}`,
        );
        assert.deepEqual(await target.scratch.list(), []);
      }
    }
  });

  test("needs no stash, no write for what stays, and no byte of delta where the order alone will do", async () => {
    const { basis } = onePair("moves");
    // Everything moves up by more than a step: the last step first.
    const up = { name: "", basis, target: new Uint8Array([...new Uint8Array(2048).fill(7), ...basis]) };
    const { inPlace } = await inspectDelta(await makeDelta(up));
    assert.equal(inPlace!.stashBytes, 0);
    const edited = basis.slice();
    edited[3000]! ^= 1;
    const { target } = await targetOn(basis);
    const result = await applyDeltaInPlace(target, await makeDelta({ name: "", basis, target: edited }));
    assert.equal(result.writtenBytes, 512);
    assert.equal(result.stashedBytes, 512);
  });

  test("takes what a stream takes: the same file, every codec, any level", async () => {
    const text = Buffer.from("all that the device has is what the server knew it had\n".repeat(400));
    const basis = new Uint8Array(Buffer.concat([text, Buffer.from("one"), text, Buffer.from("two")]));
    const wanted = new Uint8Array(Buffer.concat([Buffer.from("new!"), text, Buffer.from("0ne, one"), text]));
    for (const codec of DELTA_CODECS) {
      if (codec === "zstd" && !zstdCodec.isAvailable()) continue;
      const sink = memorySink();
      await createDelta(memorySource(basis), memorySource(wanted), sink, {
        codec,
        inPlace: { stepBytes: 4096, blockBytes: 1024 },
        segmentBytes: 4096,
        windowBytes: 8192,
      });
      const { target } = await targetOn(basis);
      await applyDeltaInPlace(target, sink.bytes());
      assert.ok(equalBytes(await contentOf(target), wanted), codec);
    }
  });

  test("of any bytes", async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    const piece = fc.record({
      from: fc.nat(3000),
      length: fc.nat(1500),
      literal: fc.uint8Array({ maxLength: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.array(piece, { maxLength: 6 }),
        fc.nat(4096),
        async (basis, pieces, maxStashBytes) => {
          const wanted = new Uint8Array(
            pieces.flatMap(({ from, length, literal }) => [
              ...literal,
              ...basis.subarray(from, from + length),
            ]),
          );
          const { target } = await targetOn(basis);
          await applyDeltaInPlace(
            target,
            await makeDelta({ name: "", basis, target: wanted }, { maxStashBytes }),
          );
          assert.ok(equalBytes(await contentOf(target), wanted));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("on a device of fixed size leaves what is behind the image alone", async () => {
    const { basis, target: wanted } = onePair("growth");
    const device = new Uint8Array(wanted.length + 1000).fill(0xdd);
    device.set(basis);
    const { target } = await targetOn(device);
    const delta = await makeDelta({ name: "", basis, target: wanted });
    await applyDeltaInPlace({ ...target, hasFixedSize: true }, delta);
    const after = await contentOf(target);
    assert.ok(equalBytes(after.subarray(0, wanted.length), wanted));
    assert.ok(equalBytes(after.subarray(wanted.length), device.subarray(wanted.length)));
    assert.equal((await applyDeltaInPlace({ ...target, hasFixedSize: true }, delta)).done, "none");
    const small = await targetOn(basis);
    await assert.rejects(applyDeltaInPlace({ ...small.target, hasFixedSize: true }, delta), {
      code: "NO_SPACE",
    });
    assert.ok(equalBytes(await contentOf(small.target), basis));
  });

  test("goes from version to version, and does nothing twice", async () => {
    const [a, b, c] = [...makePairs(3, 77, 4000)].map((pair) => pair.basis);
    const { target } = await targetOn(a!);
    const first = await makeDelta({ name: "", basis: a!, target: b! });
    await applyDeltaInPlace(target, first);
    const again = await applyDeltaInPlace(target, first);
    assert.equal(again.done, "none");
    assert.equal(again.writtenBytes, 0);
    await applyDeltaInPlace(target, await makeDelta({ name: "", basis: b!, target: c! }));
    assert.ok(equalBytes(await contentOf(target), c!));
  });

  test("refuses before it overwrites anything", async () => {
    const pair = onePair("reverse");
    const delta = await makeDelta(pair);
    const { inPlace } = await inspectDelta(delta);
    const streamOnly = memorySink();
    await createDelta(memorySource(pair.basis), memorySource(pair.target), streamOnly, { inPlace: false });
    const wrongBasis = pair.basis.slice();
    wrongBasis[5]! ^= 1;
    const cases: [string, Uint8Array, Uint8Array | undefined, string][] = [
      ["wrong basis", wrongBasis, delta, "BASIS_MISMATCH"],
      ["shorter basis", pair.basis.subarray(1), delta, "BASIS_MISMATCH"],
      ["for streams only", pair.basis, streamOnly.bytes(), "UNSUPPORTED_FEATURE"],
      ["nothing to resume", pair.basis, undefined, "BAD_STATE"],
    ];
    for (let at = 20; at < delta.length; at += 37) {
      const damaged = delta.slice();
      damaged[at]! ^= 4;
      cases.push(
        [`damage at ${at}`, pair.basis, damaged, ""],
        [`cut at ${at}`, pair.basis, delta.subarray(0, at), ""],
      );
    }
    for (const [name, basis, bytes, code] of cases) {
      const { disk, target } = await targetOn(basis);
      await assert.rejects(applyDeltaInPlace(target, bytes), code === "" ? /./ : { code }, name);
      assert.ok(equalBytes(await contentOf(target), basis), name);
      assert.ok(!disk.operations.some(({ what }) => what.startsWith("image")), name);
      assert.deepEqual(await target.scratch.list(), [], name);
    }
    const { disk, target } = await targetOn(pair.basis);
    const needed = inPlace!.stashBytes + inPlace!.spoolBytes;
    disk.freeBytes = needed;
    await assert.rejects(applyDeltaInPlace(target, delta), { code: "NO_SPACE" });
    assert.equal(disk.operations.length, 0);
    disk.freeBytes = needed + (1 << 14);
    await applyDeltaInPlace(target, delta);
  });

  test("that was interrupted is seen, resumed without the delta, and stands in the way of another", async () => {
    const pair = onePair("rotation");
    const delta = await makeDelta(pair);
    const other = await makeDelta({ ...pair, target: pair.basis.subarray(100) });
    const { disk, target } = await targetOn(pair.basis);
    assert.equal(await findPendingUpdate(target.scratch), undefined);
    const stop = new AbortController();
    const progress: string[] = [];
    await assert.rejects(
      applyDeltaInPlace(target, delta, {
        signal: stop.signal,
        onProgress: ({ phase, doneBytes }) => {
          progress.push(phase);
          if (phase === "write" && doneBytes > pair.target.length / 2) stop.abort(new Error("enough"));
        },
      }),
      /enough/,
    );
    assert.deepEqual([...new Set(progress)], ["check", "prepare", "write"]);
    const pending = await findPendingUpdate(target.scratch);
    assert.equal(pending?.targetBytes, pair.target.length);
    assert.equal(pending.isPrepared, true);
    await assert.rejects(applyDeltaInPlace(target, other), { code: "UPDATE_PENDING" });
    const interrupted = disk.clone();
    assert.equal((await applyDeltaInPlace(target, undefined)).done, "resumed");
    assert.ok(equalBytes(await contentOf(target), pair.target));
    // With the delta it is the same, even a damaged one: its header is all that is looked at.
    const file = await interrupted.folder("").openFile("image", "existing");
    const resumed = { file, scratch: interrupted.folder("scratch") };
    assert.equal((await applyDeltaInPlace(resumed, delta.subarray(0, delta.length - 4))).done, "resumed");
    assert.ok(equalBytes(await contentOf(resumed), pair.target));
  });

  test("finds out when what it left behind is of no use", async () => {
    const pair = onePair("swap");
    const delta = await makeDelta(pair);
    const interrupt = async (): Promise<{ disk: SimulatedDisk; target: InPlaceTarget }> => {
      const made = await targetOn(pair.basis);
      const stop = new AbortController();
      const onProgress = ({ phase }: { phase: string }): void => {
        if (phase === "write") stop.abort();
      };
      await assert.rejects(applyDeltaInPlace(made.target, delta, { signal: stop.signal, onProgress }));
      return made;
    };
    const spoil = async ({ scratch }: InPlaceTarget, name: string): Promise<void> => {
      const file = await scratch.openFile(name, "existing");
      const bytes = await readRange(file, 0, file.size);
      await file.write(
        0,
        bytes.map((byte) => byte ^ 0x55),
      );
      await file.close();
    };
    for (const name of ["spool", "stash"]) {
      const { target } = await interrupt();
      await spoil(target, name);
      await assert.rejects(applyDeltaInPlace(target, delta), { code: "BAD_STATE" }, name);
    }
    // Somebody wrote something else over it.
    const { target } = await interrupt();
    await target.file.write(0, new Uint8Array(pair.basis.length));
    await assert.rejects(applyDeltaInPlace(target, delta), { code: "BAD_STATE" });
    // Or put the basis back: then it starts again, whatever the journal says.
    const restored = await interrupt();
    await restored.target.file.write(0, pair.basis);
    assert.equal((await applyDeltaInPlace(restored.target, undefined)).done, "resumed");
    assert.ok(equalBytes(await contentOf(restored.target), pair.target));
    // Without a journal there is no update, and the basis is gone.
    const lost = await interrupt();
    await spoil(lost.target, "journal");
    await assert.rejects(applyDeltaInPlace(lost.target, delta), { code: "BASIS_MISMATCH" });
  });
});
