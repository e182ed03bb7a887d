import { ErrorCode, StateError } from "../../errors.ts";
import type { Hash64Api } from "../../hash/index.ts";
import { PagedSource, type StorageFile } from "../../io/index.ts";
import { InPlacePlan, type InPlaceReads, type StashedBlock } from "../../transform/index.ts";
import type { Journal, JournalState } from "./journal.ts";
import { OldBytes } from "./old-bytes.ts";
import type { SpoolReader } from "./spool.ts";
import { makeStep } from "./step-maker.ts";
import type { InPlaceOptions } from "./target.ts";

/** What an update reads and writes. */
export interface UpdateFiles {
  /** Basis and target. */
  file: StorageFile;
  stash: StorageFile;
  spool: SpoolReader;
  journal: Journal;
}

// Blocks are stashed so many bytes at once.
const COPY_BYTES = 1 << 18;

/** Runs the steps of a plan, so that a power cut at any moment leaves a state from which the rest can be run. */
export class StepRunner {
  readonly #files: UpdateFiles;
  readonly #reads: InPlaceReads;
  readonly #hash64: Hash64Api;
  readonly #options: InPlaceOptions;
  readonly #content: Uint8Array;
  /** What is copied to the stash at once. */
  readonly #piece: Uint8Array;
  /** Bytes written to the file itself so far. */
  writtenBytes = 0;
  /** Bytes written to the stash so far. */
  stashedBytes = 0;
  /** Size of the stash. */
  stashBytes = 0;

  constructor(files: UpdateFiles, reads: InPlaceReads, hash64: Hash64Api, options: InPlaceOptions) {
    this.#files = files;
    this.#reads = reads;
    this.#hash64 = hash64;
    this.#options = options;
    const { stepBytes, targetBytes, blockBytes } = reads.layout;
    this.#content = new Uint8Array(Math.min(stepBytes, targetBytes));
    this.#piece = new Uint8Array(Math.max(blockBytes, Math.min(COPY_BYTES, targetBytes)));
  }

  async run(started: JournalState["started"]): Promise<void> {
    const { signal, onProgress } = this.#options;
    const plan = new InPlacePlan(this.#reads);
    const { file, stash: stashFile } = this.#files;
    const old = new PagedSource(new OldBytes(file, stashFile, plan, this.#reads.layout));
    const { targetBytes, stepBytes } = this.#reads.layout;
    let turn = 1;
    for (let planned = plan.next(); planned !== undefined; planned = plan.next(), turn++) {
      if (started !== undefined && turn < started.turn) continue;
      signal?.throwIfAborted();
      const { step, stash } = planned;
      const isRedone = started?.turn === turn;
      if (isRedone && (await this.#isMade(step))) continue;
      if (isRedone) await this.#checkStash(stash, started.stashChecksum);
      else await this.#files.journal.started({ turn, stashChecksum: await this.#fillStash(stash) });
      await this.#make(step, old);
      onProgress?.({
        phase: "write",
        doneBytes: Math.min(turn * stepBytes, targetBytes),
        totalBytes: targetBytes,
      });
    }
    this.stashBytes = plan.slotCount * this.#reads.layout.blockBytes;
  }

  #contentOf(step: number): { offset: number; content: Uint8Array } {
    const { stepBytes, targetBytes } = this.#reads.layout;
    const offset = step * stepBytes;
    return { offset, content: this.#content.subarray(0, Math.min(stepBytes, targetBytes - offset)) };
  }

  /** Whether the file holds what a step makes: the power cut came after its last write. */
  async #isMade(step: number): Promise<boolean> {
    const { offset, content } = this.#contentOf(step);
    await this.#files.file.read(offset, content);
    if (this.#hash64.hash(content) !== this.#files.spool.contentChecksum(step)) return false;
    // It may be in memory only, of a process that was killed.
    await this.#files.file.sync();
    return true;
  }

  /** Stashed blocks that follow each other in the basis and in the stash, as ranges of bytes. */
  *#stashRanges(stash: readonly StashedBlock[]): Generator<{ offset: number; at: number; length: number }> {
    const { blockBytes, basisBytes } = this.#reads.layout;
    const maxBlocks = Math.max(1, Math.floor(this.#piece.length / blockBytes));
    for (let i = 0; i < stash.length; ) {
      const { block, slot } = stash[i]!;
      let count = 1;
      while (
        count < maxBlocks &&
        stash[i + count]?.block === block + count &&
        stash[i + count]?.slot === slot + count
      )
        count++;
      const offset = block * blockBytes;
      yield { offset, at: slot * blockBytes, length: Math.min(count * blockBytes, basisBytes - offset) };
      i += count;
    }
  }

  /** Stash blocks and sync them; gives their checksum. */
  async #fillStash(stash: readonly StashedBlock[]): Promise<bigint> {
    const hash = this.#hash64.create();
    for (const { offset, at, length } of this.#stashRanges(stash)) {
      const bytes = this.#piece.subarray(0, length);
      await this.#files.file.read(offset, bytes);
      hash.update(bytes);
      await this.#files.stash.write(at, bytes);
      this.stashedBytes += length;
    }
    if (stash.length > 0) await this.#files.stash.sync();
    return hash.digest();
  }

  async #checkStash(stash: readonly StashedBlock[], expected: bigint): Promise<void> {
    const hash = this.#hash64.create();
    for (const { at, length } of this.#stashRanges(stash)) {
      const bytes = this.#piece.subarray(0, length);
      if (this.#files.stash.size < at + length) throw lostStash();
      await this.#files.stash.read(at, bytes);
      hash.update(bytes);
    }
    if (hash.digest() !== expected) throw lostStash();
  }

  /** Make what a step makes, prove it, write it, and wait until it is safe. */
  async #make(step: number, old: PagedSource): Promise<void> {
    const { offset, content } = this.#contentOf(step);
    await makeStep(this.#files.spool.pieces(step), old, content);
    if (this.#hash64.hash(content) !== this.#files.spool.contentChecksum(step)) {
      throw new StateError(
        ErrorCode.BAD_STATE,
        "the update cannot go on: the old bytes are not what they were; something else wrote to the target, or the disk lost bytes. Pull the image as a whole",
        { offset },
      );
    }
    const { blockBytes } = this.#reads.layout;
    const end = this.#reads.firstBlockOf(step + 1);
    for (let from = this.#reads.firstBlockOf(step); from < end; ) {
      let to = from;
      while (to < end && this.#reads.kept[to] === 0) to++;
      if (to > from) {
        const bytes = content.subarray(from * blockBytes - offset, to * blockBytes - offset);
        await this.#files.file.write(from * blockBytes, bytes);
        this.writtenBytes += bytes.length;
      }
      from = to + 1;
    }
    await this.#files.file.sync();
  }
}

function lostStash(): StateError {
  return new StateError(
    ErrorCode.BAD_STATE,
    "the interrupted update cannot go on: old bytes that it had put aside are lost; pull the image as a whole",
  );
}
