import xxhash, { type XXHash } from "xxhash-wasm";

/** An XXH64 under way. */
export interface Hash64 {
  /** Take in the next bytes. They may be reused as soon as this returns. */
  update(bytes: Uint8Array): void;
  /** The hash of all bytes so far. More bytes may follow. */
  digest(): bigint;
}

/** XXH64 with seed 0, once its WASM is loaded. */
export interface Hash64Api {
  /** The XXH64 of `bytes`. */
  hash(bytes: Uint8Array): bigint;
  /** Begin an XXH64 of bytes that come in pieces. */
  create(): Hash64;
}

/** xxhash-wasm copies what it is given into a memory that only grows: larger inputs go in pieces of this size. */
const PIECE_BYTES = 1 << 16;

function updateInPieces(state: XXHash<bigint>, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) state.update(bytes.subarray(at, at + PIECE_BYTES));
}

async function load(): Promise<Hash64Api> {
  const { h64Raw, create64 } = await xxhash();
  return {
    hash: (bytes) => {
      if (bytes.length <= PIECE_BYTES) return h64Raw(bytes);
      const state = create64();
      updateInPieces(state, bytes);
      return state.digest();
    },
    create: () => {
      const state = create64();
      return { update: (bytes) => updateInPieces(state, bytes), digest: () => state.digest() };
    },
  };
}

let loaded: Promise<Hash64Api> | undefined;

/** Load XXH64 (seed 0, the xxHash specification's 64-bit variant). Later calls give the same object. */
export function loadHash64(): Promise<Hash64Api> {
  loaded ??= load();
  return loaded;
}
