import type { RdiffStrongHash } from "./format.ts";

/** A strong hash, used again and again. */
export interface StrongHasher {
  update(bytes: Uint8Array): void;
  /** The whole hash of what came since the last digest. */
  digest(): Uint8Array;
}

/** Load a strong hash: its WASM is large and needed by few. */
export async function createStrongHasher(kind: RdiffStrongHash): Promise<StrongHasher> {
  const { createBLAKE2b, createMD4 } = await import("hash-wasm");
  const hasher = await (kind === "md4" ? createMD4() : createBLAKE2b(256));
  hasher.init();
  return {
    update: (bytes) => {
      hasher.update(bytes);
    },
    digest: () => {
      const digest = hasher.digest("binary");
      hasher.init();
      return digest;
    },
  };
}
