import { shortenChecksum } from "../delta/index.ts";
import type { Hash64Api } from "../hash/index.ts";
import { type ResumableSink, type Sink, type Source, scanSource } from "../io/index.ts";
import type { TargetOutput } from "./output.ts";

const isResumable = (sink: Sink): sink is ResumableSink => "existing" in sink;

/** Takes over what an earlier run has made of a target, window by window, as far as checksums prove it. */
export class ExistingTarget {
  readonly #sink: ResumableSink | undefined;
  readonly #hash64: Hash64Api;
  #isOver: boolean;

  constructor(sink: Sink, hash64: Hash64Api) {
    this.#sink = isResumable(sink) ? sink : undefined;
    this.#isOver = this.#sink === undefined;
    this.#hash64 = hash64;
  }

  async #hashRange(existing: Source, offset: number, length: number): Promise<number> {
    const hash = this.#hash64.create();
    for await (const piece of scanSource(existing, { offset, length })) hash.update(piece);
    return shortenChecksum(hash.digest());
  }

  /**
   * Whether the next window's bytes are there. If so they are part of the output now; if not, this and all that follow must be
   * made.
   */
  async adopt(length: number, checksum: number, output: TargetOutput): Promise<boolean> {
    if (this.#isOver) return false;
    const { existing } = this.#sink!;
    const offset = output.bytesMade;
    if (offset + length <= existing.size && (await this.#hashRange(existing, offset, length)) === checksum) {
      for await (const piece of scanSource(existing, { offset, length })) output.adopt(piece);
      return true;
    }
    await this.end(output);
    return false;
  }

  /** Say that nothing more is to be taken over. */
  async end(output: TargetOutput): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#sink!.continueAt(output.bytesMade);
  }
}
