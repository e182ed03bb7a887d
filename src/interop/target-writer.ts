import { equalBytes, toHex } from "../bytes/index.ts";
import { FREE_EXPANSION_BYTES } from "../delta/index.ts";
import { ErrorCode, LimitError, MismatchError } from "../errors.ts";
import { createSha256, SHA256_BYTES } from "../hash/index.ts";
import type { Sink } from "../io/index.ts";
import type { TargetLimits } from "./target-limits.ts";

/** What is known of a target that a foreign format does not prove. */
export interface TargetExpectations {
  /** SHA-256 of the target, where it is known. */
  expectedTargetSha256?: Uint8Array | undefined;
  limits: TargetLimits;
  /** How many bytes basis and delta have so far. */
  inputBytes: () => number;
}

/** Writes a target in order, and proves it where a digest is known. */
export class TargetWriter {
  readonly #sink: Sink;
  readonly #expected: Uint8Array | undefined;
  readonly #limits: TargetLimits;
  readonly #inputBytes: () => number;
  readonly #digest = createSha256();
  #bytesWritten = 0;

  constructor(sink: Sink, { expectedTargetSha256, limits, inputBytes }: TargetExpectations) {
    if (expectedTargetSha256 !== undefined && expectedTargetSha256.length !== SHA256_BYTES) {
      throw new RangeError(
        `expectedTargetSha256: expected ${SHA256_BYTES} bytes, got ${expectedTargetSha256.length}`,
      );
    }
    this.#sink = sink;
    this.#expected = expectedTargetSha256;
    this.#limits = limits;
    this.#inputBytes = inputBytes;
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /**
   * Check that so many more bytes may come.
   *
   * @throws {@link LimitError} `SIZE_LIMIT`.
   */
  reserve(bytes: number): void {
    const { targetBytes, expansion } = this.#limits;
    const made = this.#bytesWritten + bytes;
    if (made > targetBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `the target has ${made} bytes or more, over the limit of ${targetBytes}; raise limits.targetBytes if you trust the delta`,
      );
    }
    const given = this.#inputBytes();
    if (made > FREE_EXPANSION_BYTES + expansion * given) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `the delta makes ${made} bytes of ${given}, over ${expansion} times as many; raise limits.expansion if you trust it`,
      );
    }
  }

  /** Write the next bytes, which may be reused afterwards. */
  async write(bytes: Uint8Array): Promise<void> {
    this.reserve(bytes.length);
    this.#digest.update(bytes);
    await this.#sink.write(bytes);
    this.#bytesWritten += bytes.length;
  }

  /**
   * End the target.
   *
   * @returns its SHA-256.
   * @throws {@link MismatchError} `TARGET_MISMATCH` when it is not the expected one.
   */
  finish(): Uint8Array {
    const found = this.#digest.digest();
    if (this.#expected !== undefined && !equalBytes(found, this.#expected)) {
      const [expected, actual] = [toHex(this.#expected), toHex(found)];
      throw new MismatchError(
        ErrorCode.TARGET_MISMATCH,
        `expected a target with SHA-256 ${expected}, made one with ${actual}: the delta is damaged, or the basis is another one`,
        { expected, actual },
      );
    }
    return found;
  }
}
