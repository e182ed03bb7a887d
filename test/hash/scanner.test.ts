import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createScanner, type Scanner } from "../../src/hash/index.ts";
import * as reference from "../../src/hash/reference.ts";
import { byteArrays, misaligned, noise } from "./data.ts";

interface Candidate {
  position: number;
  weakHash: number;
}

function scanAll(scanner: Scanner, bytes: Uint8Array, from: number, end: number): Candidate[] {
  const found: Candidate[] = [];
  scanner.start(bytes, from, end);
  while (scanner.next()) found.push({ position: scanner.position, weakHash: scanner.weakHash });
  return found;
}

/** Candidates come in order, tell the true hash of their window, and include every window that was looked for. */
function checkCandidates(
  candidates: readonly Candidate[],
  bytes: Uint8Array,
  from: number,
  end: number,
  blockBytes: number,
  wanted: Uint32Array,
): void {
  let before = from - 1;
  for (const { position, weakHash } of candidates) {
    assert.ok(position > before && position + blockBytes <= end, `candidate at ${position}`);
    assert.equal(weakHash, reference.hashWindow(bytes.subarray(position, position + blockBytes)));
    before = position;
  }
  const set = new Set(wanted);
  const hits = candidates.filter(({ weakHash }) => set.has(weakHash)).map(({ position }) => position);
  assert.deepEqual(hits, reference.scanWindows(bytes, from, end, blockBytes, set));
}

const scanners = new Map<number, Scanner>();
for (const blockBytes of [16, 17, 32, 63, 1024, 65_536]) {
  scanners.set(blockBytes, await createScanner(blockBytes));
}

describe("Scanner", () => {
  it("finds every window that was looked for, in short ranges of any kind", () => {
    fc.assert(
      fc.property(
        byteArrays(300),
        byteArrays(200),
        fc.constantFrom(16, 17, 32, 63),
        fc.nat(300),
        fc.nat(300),
        fc.nat(15),
        (bytes, basis, blockBytes, x, y, by) => {
          const target = misaligned(bytes, by);
          const from = Math.min(x, y, target.length);
          const end = Math.min(Math.max(x, y), target.length);
          const wanted = reference.hashBlocks(basis, blockBytes);
          const scanner = scanners.get(blockBytes)!;
          scanner.setFilter(wanted);
          checkCandidates(scanAll(scanner, target, from, end), target, from, end, blockBytes, wanted);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds them across the borders of pieces, for small and large windows", () => {
    const bytes = noise(700_000, 11);
    for (const blockBytes of [16, 1024, 65_536]) {
      // Every window at, before and behind a place where a piece may end, and the first and the last one.
      const positions = [
        0, 1, 63, 64, 65, 319, 320, 321, 1343, 1344, 5439, 5440, 21_823, 21_824, 87_359, 87_360,
      ];
      for (let at = 87_360 + 65_536; at + blockBytes < bytes.length; at += 65_536) positions.push(at - 1, at);
      positions.push(bytes.length - blockBytes - 1, bytes.length - blockBytes);
      const wanted = Uint32Array.from(positions, (at) =>
        reference.hashWindow(bytes.subarray(at, at + blockBytes)),
      );
      const scanner = scanners.get(blockBytes)!;
      scanner.setFilter(wanted);
      checkCandidates(scanAll(scanner, bytes, 0, bytes.length), bytes, 0, bytes.length, blockBytes, wanted);
    }
  });

  it("survives more candidates than its area holds", () => {
    const bytes = new Uint8Array(200_000);
    const wanted = Uint32Array.of(reference.hashWindow(bytes.subarray(0, 32)));
    const scanner = scanners.get(32)!;
    scanner.setFilter(wanted);
    const candidates = scanAll(scanner, bytes, 0, bytes.length);
    assert.equal(candidates.length, bytes.length - 31);
    candidates.forEach(({ position }, i) => {
      assert.equal(position, i);
    });
  });

  it("skips matched ranges and loses nothing behind them", () => {
    const basis = noise(3000, 5);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2900), fc.nat(900), fc.nat(400)), { maxLength: 12 }),
        fc.constantFrom(16, 32),
        (parts, blockBytes) => {
          // The target: pieces of the basis with noise between them.
          const pieces = parts.flatMap(([at, length, gap]) => [
            basis.subarray(at, at + length),
            noise(gap, at + 1),
          ]);
          const target = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
          const wanted = reference.hashBlocks(basis, blockBytes);
          const set = new Set(wanted);
          const all = reference.scanWindows(target, 0, target.length, blockBytes, set);
          const scanner = scanners.get(blockBytes)!;
          scanner.setFilter(wanted);
          scanner.start(target, 0, target.length);
          const skip = blockBytes * 3 - 1;
          const expected: number[] = [];
          for (const at of all) if (expected.length === 0 || at >= expected.at(-1)! + skip) expected.push(at);
          const found: number[] = [];
          while (scanner.next()) {
            if (!set.has(scanner.weakHash)) continue;
            found.push(scanner.position);
            scanner.skipTo(scanner.position + skip);
          }
          assert.deepEqual(found, expected);
        },
      ),
    );
  });

  it("jumps far ahead, and past the end", () => {
    const bytes = noise(400_000, 13);
    const wanted = Uint32Array.from([0, 390_000], (at) =>
      reference.hashWindow(bytes.subarray(at, at + 1024)),
    );
    const scanner = scanners.get(1024)!;
    scanner.setFilter(wanted);
    scanner.start(bytes, 0, bytes.length);
    assert.ok(scanner.next());
    assert.equal(scanner.position, 0);
    scanner.skipTo(389_999);
    while (scanner.next() && scanner.position < 390_000);
    assert.equal(scanner.position, 390_000);
    scanner.skipTo(1e12);
    assert.equal(scanner.next(), false);
  });

  it("tells few windows by mistake", () => {
    const scanner = scanners.get(1024)!;
    const hashes = new Uint32Array(noise(4 * 100_000, 17).buffer);
    scanner.setFilter(hashes);
    const bytes = noise(1_000_000, 19);
    const { length } = scanAll(scanner, bytes, 0, bytes.length);
    assert.ok(length < bytes.length / 100, `${length} of ${bytes.length}`);
  });

  it("forgets the filter before", () => {
    const bytes = noise(5000, 23);
    const scanner = scanners.get(32)!;
    scanner.setFilter(new Uint32Array(noise(4 * 50_000, 29).buffer));
    scanner.setFilter(new Uint32Array(0));
    assert.deepEqual(scanAll(scanner, bytes, 0, bytes.length), []);
  });

  it("refuses wrong arguments", async () => {
    await assert.rejects(createScanner(15), RangeError);
    await assert.rejects(createScanner(65_537), RangeError);
    const scanner = scanners.get(32)!;
    assert.throws(() => scanner.start(new Uint8Array(4), 0, 5), RangeError);
    assert.throws(() => scanner.start(new Uint8Array(4), -1, 3), RangeError);
    assert.throws(() => scanner.start(new Uint8Array(4), 3, 2), RangeError);
  });
});
