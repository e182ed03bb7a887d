import assert from "node:assert/strict";

const PAGE_BYTES = 65_536;

/** The exports of a coder's module, with a memory of exactly as many bytes as it asks for. */
export function instantiateWithin(base64: string, memoryBytes: number): WebAssembly.Exports {
  const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
  const instantiate = (pages: number): WebAssembly.Exports =>
    new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: pages }) } }).exports;
  assert.throws(() => instantiate(memoryBytes / PAGE_BYTES - 1), WebAssembly.LinkError);
  return instantiate(memoryBytes / PAGE_BYTES);
}
