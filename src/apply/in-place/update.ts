import { equalBytes, toHex } from "../../bytes/index.ts";
import { checkDeltaLimit, DEFAULT_DELTA_LIMITS, type DeltaReader } from "../../delta/index.ts";
import { ErrorCode, MismatchError, SpaceError } from "../../errors.ts";
import { createSha256, type Hash64Api } from "../../hash/index.ts";
import { type StorageFile, scanSource } from "../../io/index.ts";
import { InPlaceReads } from "../../transform/index.ts";
import type { ApplyOptions } from "../apply.ts";
import { FileName, removeFiles } from "./files.ts";
import { JOURNAL_BYTES, Journal, type JournalState, type UpdateIdentity } from "./journal.ts";
import { prepareSteps, requireInPlace } from "./prepare-steps.ts";
import { type SpoolIndexPlace, SpoolReader } from "./spool.ts";
import { gatherStepReads } from "./step-maker.ts";
import { StepRunner } from "./step-runner.ts";
import type { InPlaceOptions, InPlaceTarget } from "./target.ts";

// Smaller than what is read elsewhere: SHA-256 and the disk take the time, whatever is read at once.
const CHUNK_BYTES = 1 << 18;

/** SHA-256 of the file's first bytes, for several lengths at one pass; `undefined` where the file is shorter. */
async function hashPrefixes(
  file: StorageFile,
  lengths: readonly number[],
  { signal, onProgress }: InPlaceOptions,
): Promise<(Uint8Array | undefined)[]> {
  const hashes = lengths.map((length) => (length <= file.size ? createSha256() : undefined));
  const totalBytes = Math.max(0, ...lengths.filter((length) => length <= file.size));
  let offset = 0;
  for await (const piece of scanSource(file, { length: totalBytes, chunkBytes: CHUNK_BYTES, signal })) {
    for (const [i, length] of lengths.entries()) {
      hashes[i]?.update(piece.subarray(0, Math.max(0, length - offset)));
    }
    offset += piece.length;
    onProgress?.({ phase: "check", doneBytes: offset, totalBytes });
  }
  return hashes.map((hash) => hash?.digest());
}

function stepsOf({ stepCount, layout }: InPlaceReads): { stepCount: number; stepBytes: number } {
  return { stepCount, stepBytes: layout.stepBytes };
}

/** One update of one target, from wherever it stands to its end. */
export class InPlaceUpdate {
  readonly #target: InPlaceTarget;
  readonly #identity: UpdateIdentity;
  readonly #options: InPlaceOptions;
  readonly #hash64: Hash64Api;
  writtenBytes = 0;
  stashedBytes = 0;
  stashBytes = 0;
  spoolBytes = 0;

  constructor(target: InPlaceTarget, identity: UpdateIdentity, hash64: Hash64Api, options: InPlaceOptions) {
    this.#target = target;
    this.#identity = identity;
    this.#options = options;
    this.#hash64 = hash64;
  }

  /** What the file holds now: hashes decide, whatever a journal says. */
  async examine(isPending: boolean): Promise<{ isBasis: boolean; isTarget: boolean }> {
    const { file, hasFixedSize } = this.#target;
    const { basisBytes, basisSha256, targetBytes, targetSha256 } = this.#identity;
    // While an update goes on the file has grown already, or is yet to be cut off.
    const fits = (bytes: number): boolean =>
      hasFixedSize === true || isPending ? file.size >= bytes : file.size === bytes;
    const lengths = [basisBytes, targetBytes].map((bytes) => (fits(bytes) ? bytes : Infinity));
    const [basis, target] = await hashPrefixes(file, lengths, this.#options);
    return {
      isBasis: basis !== undefined && equalBytes(basis, basisSha256),
      isTarget: target !== undefined && equalBytes(target, targetSha256),
    };
  }

  async #checkSpace(spoolBytes: number): Promise<void> {
    const { file, scratch, hasFixedSize, growthBytes } = this.#target;
    const { basisBytes, targetBytes, stashBytes } = this.#identity;
    const growth = Math.max(0, targetBytes - (hasFixedSize === true ? file.size : basisBytes));
    const growthRoom = hasFixedSize === true ? 0 : growthBytes;
    if (growthRoom !== undefined && growth > growthRoom) throw noSpace("to grow", growth, growthRoom);
    const scratchBytes = spoolBytes + stashBytes + JOURNAL_BYTES;
    const needed = scratchBytes + (growthRoom === undefined ? growth : 0);
    const free = await scratch.freeBytes();
    if (needed > free) throw noSpace("for scratch files and growth", needed, free);
  }

  /** Do all that needs the delta, with the basis untouched. What fails leaves nothing behind. */
  async prepare(
    reader: DeltaReader,
  ): Promise<{ journal: Journal; reads: InPlaceReads; index: SpoolIndexPlace }> {
    const { file, scratch } = this.#target;
    const { spoolBytes, stashBytes } = requireInPlace(reader.header.inPlace);
    const limit = reader.limits.scratchBytes;
    checkDeltaLimit("scratchBytes", spoolBytes + stashBytes, limit, ErrorCode.SIZE_LIMIT);
    await this.#checkSpace(spoolBytes);
    await removeFiles(scratch);
    const { segmentCoding, signal, onProgress } = this.#options;
    const options = {
      segmentCoding,
      signal,
      onProgress: onProgress && ((progress) => onProgress({ ...progress, phase: "prepare" })),
    } satisfies ApplyOptions;
    let journal: Journal | undefined;
    let spool: StorageFile | undefined;
    try {
      journal = await Journal.create(scratch, this.#identity);
      spool = await scratch.openFile(FileName.SPOOL, "new");
      const { reads, index } = await prepareSteps(file, spool, reader, this.#identity, options);
      await scratch.sync();
      await journal.prepared(index);
      return { journal, reads, index };
    } catch (error) {
      await journal?.close();
      await removeFiles(scratch).catch(() => {});
      throw error;
    } finally {
      await spool?.close();
    }
  }

  /** Gather anew, from the spool, what {@link prepare} has gathered. */
  async gatherReads(index: SpoolIndexPlace): Promise<InPlaceReads> {
    const { planBytes } = { ...DEFAULT_DELTA_LIMITS, ...this.#options.limits };
    const reads = new InPlaceReads(this.#identity, planBytes);
    const file = await this.#target.scratch.openFile(FileName.SPOOL, "existing");
    try {
      const spool = await SpoolReader.open(file, index, stepsOf(reads));
      for (let step = 0; step < reads.stepCount; step++) {
        await gatherStepReads(spool.pieces(step), step, reads);
      }
    } finally {
      await file.close();
    }
    return reads.finish();
  }

  /** Make the file large enough, with real bytes: a hole could not be filled on a full disk. */
  async grow(): Promise<void> {
    const { file, scratch, hasFixedSize } = this.#target;
    const { basisBytes, targetBytes, blockBytes } = this.#identity;
    if (hasFixedSize === true || file.size >= targetBytes) return;
    // Not from the basis' last byte on: its sector is not to be written, since a power cut might lose it.
    const from = Math.ceil(file.size / blockBytes) * blockBytes;
    const zeros = new Uint8Array(Math.min(CHUNK_BYTES, targetBytes));
    try {
      if (from >= targetBytes) await file.truncate(targetBytes);
      for (let at = from; at < targetBytes; at += zeros.length) {
        await file.write(at, zeros.subarray(0, targetBytes - at));
      }
      await file.sync();
    } catch (error) {
      // Nothing of the basis was touched: take back what was added, and forget the update.
      await file.truncate(basisBytes);
      await file.sync();
      await removeFiles(scratch);
      throw error;
    }
  }

  /**
   * Carry out the steps.
   *
   * @param started - the step that an interrupted run had begun last; `undefined` when there was none.
   */
  async runSteps(
    reads: InPlaceReads,
    index: SpoolIndexPlace,
    journal: Journal,
    started: JournalState["started"],
  ): Promise<void> {
    const { scratch } = this.#target;
    const hasStash = (await scratch.list()).includes(FileName.STASH);
    const stash = await scratch.openFile(FileName.STASH, hasStash ? "existing" : "new");
    if (!hasStash) await scratch.sync();
    const spoolFile = await scratch.openFile(FileName.SPOOL, "existing");
    try {
      const spool = await SpoolReader.open(spoolFile, index, stepsOf(reads));
      const files = { file: this.#target.file, stash, spool, journal };
      const runner = new StepRunner(files, reads, this.#hash64, this.#options);
      await runner.run(started);
      this.writtenBytes = runner.writtenBytes;
      this.stashedBytes = runner.stashedBytes;
      this.stashBytes = runner.stashBytes;
      this.spoolBytes = spoolFile.size;
    } finally {
      await stash.close();
      await spoolFile.close();
    }
  }

  /** Prove the target, cut off what is behind it, and forget the update. */
  async finish(isProven: boolean): Promise<void> {
    const { file, scratch, hasFixedSize } = this.#target;
    const { targetBytes, targetSha256 } = this.#identity;
    if (!isProven) {
      const { onProgress } = this.#options;
      const [actual] = await hashPrefixes(file, [targetBytes], {
        onProgress: onProgress && ((progress) => onProgress({ ...progress, phase: "verify" })),
      });
      if (actual === undefined || !equalBytes(actual, targetSha256)) {
        const [expected, found] = [toHex(targetSha256), actual && toHex(actual)];
        throw new MismatchError(
          ErrorCode.TARGET_MISMATCH,
          `expected a target with SHA-256 ${expected}, made one with ${found}: something else wrote to it, or the disk lost bytes; pull the image as a whole`,
          { expected, ...(found === undefined ? {} : { actual: found }) },
        );
      }
    }
    if (hasFixedSize !== true && file.size > targetBytes) await file.truncate(targetBytes);
    await file.sync();
    await removeFiles(scratch);
  }
}

function noSpace(what: string, expected: number, actual: number): SpaceError {
  return new SpaceError(
    ErrorCode.NO_SPACE,
    `expected ${expected} free bytes ${what}, found ${actual}; nothing was changed`,
    { expected: String(expected), actual: String(actual) },
  );
}
