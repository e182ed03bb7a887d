import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes } from "../../src/bytes/index.ts";
import { peekStream } from "../../src/io/index.ts";

const BYTES = Uint8Array.from({ length: 20 }, (_, i) => i);

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of stream) parts.push(piece.slice());
  return concatBytes(parts);
}

for (const pieceBytes of [1, 3, 8, 20]) {
  test(`the head of a stream of pieces of ${pieceBytes} is seen, and nothing is lost`, async () => {
    // One buffer for all pieces, as streams may have.
    const buffer = new Uint8Array(pieceBytes);
    async function* pieces() {
      for (let at = 0; at < BYTES.length; at += pieceBytes) {
        const piece = buffer.subarray(0, Math.min(pieceBytes, BYTES.length - at));
        piece.set(BYTES.subarray(at, at + piece.length));
        yield piece;
      }
    }
    for (const wanted of [0, 1, 8, 20, 21]) {
      const { head, stream } = await peekStream(pieces(), wanted);
      assert.deepEqual(head, BYTES.subarray(0, wanted));
      assert.deepEqual(await collect(stream), BYTES);
    }
  });
}

test("whoever leaves early closes the stream", async () => {
  let closed = false;
  async function* pieces() {
    try {
      for (;;) yield BYTES;
    } finally {
      closed = true;
    }
  }
  const { stream } = await peekStream(pieces(), 4);
  for await (const _ of stream) break;
  assert.ok(closed);
});
