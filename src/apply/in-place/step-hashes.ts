import type { Hash64, Hash64Api } from "../../hash/index.ts";
import type { Sink } from "../../io/index.ts";

/** Takes a target as it is made, keeps nothing of it, and hashes each step of it apart. */
export class StepHashes implements Sink {
  readonly #hash64: Hash64Api;
  readonly #stepBytes: number;
  readonly #checksums: bigint[] = [];
  #hash: Hash64;
  #hashed = 0;

  constructor(hash64: Hash64Api, stepBytes: number) {
    this.#hash64 = hash64;
    this.#stepBytes = stepBytes;
    this.#hash = hash64.create();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#stepBytes - this.#hashed);
      this.#hash.update(part);
      this.#hashed += part.length;
      at += part.length;
      if (this.#hashed === this.#stepBytes) this.#end();
    }
  }

  #end(): void {
    this.#checksums.push(this.#hash.digest());
    this.#hash = this.#hash64.create();
    this.#hashed = 0;
  }

  /** The XXH64 of each step, the last one being shorter where the target ends inside it. */
  finish(): readonly bigint[] {
    if (this.#hashed > 0) this.#end();
    return this.#checksums;
  }
}
