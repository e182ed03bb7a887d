import { ErrorCode, StateError } from "../../errors.ts";
import { checkRange, type Source, type StorageFile } from "../../io/index.ts";
import type { InPlaceLayout, InPlacePlan } from "../../transform/index.ts";

/** The basis, of which some blocks are in the stash by now and others still in their places. */
export class OldBytes implements Source {
  readonly size: number;
  readonly #file: StorageFile;
  readonly #stash: StorageFile;
  readonly #plan: InPlacePlan;
  readonly #blockBytes: number;

  constructor(file: StorageFile, stash: StorageFile, plan: InPlacePlan, layout: InPlaceLayout) {
    this.size = layout.basisBytes;
    this.#file = file;
    this.#stash = stash;
    this.#plan = plan;
    this.#blockBytes = layout.blockBytes;
  }

  /** Where the bytes from `offset` are, and for how many in a row that holds. */
  #find(offset: number, length: number): { file: StorageFile; at: number; length: number } {
    const blockBytes = this.#blockBytes;
    const first = Math.floor(offset / blockBytes);
    const slot = this.#plan.slotOf(first);
    const end = offset + length;
    let block = first + 1;
    // As far as the blocks lie behind each other where they are now.
    const follows = (): boolean =>
      slot === undefined
        ? this.#plan.slotOf(block) === undefined
        : this.#plan.slotOf(block) === slot + block - first;
    while (block * blockBytes < end && follows()) block++;
    const found = Math.min(end, block * blockBytes) - offset;
    if (slot === undefined) return { file: this.#file, at: offset, length: found };
    return { file: this.#stash, at: slot * blockBytes + (offset - first * blockBytes), length: found };
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    for (let done = 0; done < into.length; ) {
      const { file, at, length } = this.#find(offset + done, into.length - done);
      if (at + length > file.size) {
        throw new StateError(
          ErrorCode.BAD_STATE,
          "the interrupted update cannot go on: old bytes that it still needs are lost; pull the image as a whole",
          { offset: offset + done },
        );
      }
      await file.read(at, into.subarray(done, done + length));
      done += length;
    }
  }
}
