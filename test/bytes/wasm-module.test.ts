/** A coder that gets the memory of one that was closed codes as one with a memory of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WASM_BASE64 } from "../../src/apply/kernel/generated.ts";
import { WASM_PAGE_BYTES, WasmModule } from "../../src/bytes/wasm-module.ts";
import { createLzEncoder } from "../../src/codec/lz/index.ts";
import { createResidualDecoder, createResidualEncoder } from "../../src/codec/mix/index.ts";
import { createOpsDecoder, createOpsEncoder } from "../../src/codec/ops/index.ts";
import { createTextDecoder, createTextEncoder } from "../../src/codec/text/index.ts";
import { makeBytes } from "../support/pairs.ts";

// Of the module that needs the least.
const MEMORY_BYTES = WASM_PAGE_BYTES;

async function takeMemory(module: WasmModule, settings?: { isZero: boolean }): Promise<WebAssembly.Memory> {
  return (await module.instantiate(settings)).memory as WebAssembly.Memory;
}

test("memory that was taken back is given to the next instance, zero where that matters", async () => {
  const module = new WasmModule(WASM_BASE64, MEMORY_BYTES);
  const [fresh, first, second] = [
    await takeMemory(module),
    await takeMemory(module),
    await takeMemory(module),
  ];
  for (const memory of [first, second]) {
    new Uint8Array(memory.buffer).fill(7);
    module.takeBack(memory);
  }
  assert.equal(await takeMemory(module, { isZero: false }), second);
  assert.ok(new Uint8Array(second.buffer, MEMORY_BYTES / 2).every((byte) => byte === 7));
  assert.equal(await takeMemory(module), first);
  assert.deepEqual(new Uint8Array(first.buffer), new Uint8Array(fresh.buffer));
  const third = await takeMemory(module);
  assert.ok(third !== first && third !== second);
});

test("memory that has grown far is not kept", async () => {
  const module = new WasmModule(WASM_BASE64, MEMORY_BYTES);
  const memory = await takeMemory(module);
  memory.grow(1000);
  module.takeBack(memory);
  assert.equal((await takeMemory(module)).buffer.byteLength, MEMORY_BYTES);
});

const raw = makeBytes(3000, 3);
const others = makeBytes(20_000, 4);

/** Encode with an encoder and close it, twice: it encodes no more. */
function encodeAndClose<Encoder extends { close(): void }>(
  encoder: Encoder,
  encode: (encoder: Encoder) => Uint8Array,
): Uint8Array {
  const coded = encode(encoder);
  encoder.close();
  encoder.close();
  assert.throws(() => encode(encoder), TypeError);
  return coded;
}

/** Each makes an encoder, encodes the bytes, and closes it. */
const CODERS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  ops: async (bytes) => encodeAndClose(await createOpsEncoder(), (ops) => ops.encode(bytes)),
  mix: async (bytes) => encodeAndClose(await createResidualEncoder(), (mix) => mix.encode(bytes, bytes)),
  text: async (bytes) => encodeAndClose(await createTextEncoder(), (text) => text.encode(bytes)),
  "lz, a large window first": async (bytes) => {
    const settings = { effort: 9, windowBits: bytes === others ? 21 : 16 };
    return encodeAndClose(await createLzEncoder(settings), (lz) => lz.encode(bytes));
  },
};

for (const [name, code] of Object.entries(CODERS)) {
  test(`${name}: what was coded before leaves nothing behind`, async () => {
    const first = await code(raw);
    await code(others);
    assert.deepEqual(await code(raw), first);
    const [one, other] = await Promise.all([code(raw), code(raw)]);
    assert.deepEqual([one, other], [first, first]);
  });
}

test("a closed decoder decodes no more", async () => {
  const [ops, mix, text] = [
    await createOpsDecoder(),
    await createResidualDecoder(),
    await createTextDecoder(),
  ];
  for (const decoder of [ops, mix, text]) decoder.close();
  assert.throws(() => ops.decode(raw, 10), TypeError);
  assert.throws(() => mix.decode(raw, raw), TypeError);
  assert.throws(() => text.decodeInto(raw, new Uint8Array(10)), TypeError);
});
