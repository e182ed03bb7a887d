import assert from "node:assert/strict";
import { test } from "node:test";
import { type EntrySpan, FOLDER_IDENTITY } from "../../src/encode/input.ts";
import { measureTree } from "../../src/encode/tree.ts";

const FILE = 2n;
const span = (path: string, identity: bigint | undefined, contentBytes = 0, contentHash = 0n): EntrySpan => ({
  ...{ path, identity, contentBytes, contentHash },
  ...{ headerOffset: 0, headerBytes: 512, contentOffset: 512 },
});

test("what stays takes nothing; what is new, changed or of another kind its blocks", () => {
  const basis = [
    span("a", FOLDER_IDENTITY),
    span("a/same", FILE, 10_000, 5n),
    span("a/edited", FILE, 10_000, 6n),
    span("a/capable", 77n, 4_096, 7n),
    span("a/linked", undefined),
    span("link", 88n),
    span("kind", FILE, 5, 9n),
  ];
  const none = { contentBytes: 0, entryCount: 0 };
  assert.deepEqual(measureTree(basis, basis), none);
  assert.deepEqual(measureTree(basis, basis.slice(0, 2)), none);
  const target = [
    span("a", FOLDER_IDENTITY),
    span("a/same", FILE, 10_000, 5n),
    span("a/edited", FILE, 10_000, 66n), // 3 blocks
    span("a/capable", 78n, 4_096, 7n), // 1
    span("a/linked", FILE, 1, 8n), // 1
    span("link", 89n), // none
    span("kind", FOLDER_IDENTITY), // 1
    span("kind/new", FILE, 4_097, 1n), // 2
    span("kind/name", undefined), // of a file that is counted already
  ];
  assert.deepEqual(measureTree(basis, target), { contentBytes: 8 * 4_096, entryCount: 6 });
});
