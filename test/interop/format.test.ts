import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { PEER_HEAD_BYTES, recognisePeerFile } from "../../src/interop/index.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("files of other tools are recognised by their first bytes", () => {
  const signature = { format: "rdiff", kind: "signature" };
  for (const [weak, strong] of [
    [3, 6],
    [3, 7],
    [4, 6],
    [4, 7],
  ] as const)
    assert.deepEqual(recognisePeerFile(bytes(0x72, 0x73, 1, 16 * weak + strong, 0, 0, 8, 0)), signature);
  assert.deepEqual(recognisePeerFile(bytes(0x72, 0x73, 2, 0x36, 0)), { format: "rdiff", kind: "delta" });
});

test("VCDIFF and bsdiff files of any version are recognised", () => {
  const [vcdiff, bsdiff] = ["vcdiff", "bsdiff"].map((format) => ({ format, kind: "delta" }));
  assert.deepEqual(recognisePeerFile(bytes(0xd6, 0xc3, 0xc4, 0)), vcdiff);
  assert.deepEqual(recognisePeerFile(bytes(0xd6, 0xc3, 0xc4, 0x53)), vcdiff);
  assert.deepEqual(recognisePeerFile(encodeUtf8("BSDIFF40")), bsdiff);
  assert.deepEqual(recognisePeerFile(encodeUtf8("ENDSLEY/")), bsdiff);
});

test("what is too short or another's is no peer's", () => {
  for (const head of [
    bytes(),
    bytes(0x72, 0x73, 2),
    bytes(0x72, 0x73, 2, 0x37),
    new Uint8Array(PEER_HEAD_BYTES),
  ])
    assert.equal(recognisePeerFile(head), undefined);
});
