/**
 * Compile a WASM module when it is first needed, once, and asynchronously: browsers refuse larger modules otherwise. `atob` is in every
 * runtime, so no bundler or server needs to know of a .wasm file.
 */
export function lazyModule(base64: string): () => Promise<WebAssembly.Module> {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return () => {
    compiled ??= WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    return compiled;
  };
}
