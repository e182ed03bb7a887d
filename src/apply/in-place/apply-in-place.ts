import { equalBytes, toHex } from "../../bytes/index.ts";
import { type DeltaHeader, type DeltaLimits, DeltaReader } from "../../delta/index.ts";
import { ErrorCode, MismatchError, SpaceError, StateError } from "../../errors.ts";
import { createSha256, type Hash64Api, loadHash64 } from "../../hash/index.ts";
import {
  type ByteInput,
  CHUNK_BYTES,
  type OnProgress,
  type StorageFile,
  type StorageFolder,
  scanSource,
} from "../../io/index.ts";
import { InPlacePlan, InPlaceReads, type StashedBlock } from "../../transform/index.ts";
import type { ApplyOptions } from "../apply.ts";
import { FileName, removeFiles } from "./files.ts";
import { JOURNAL_BYTES, Journal, type JournalState, type UpdateIdentity } from "./journal.ts";
import { OldBytes } from "./old-bytes.ts";
import { prepareSteps, requireInPlace } from "./prepare-steps.ts";
import { type SpoolIndexPlace, SpoolReader } from "./spool.ts";
import { gatherStepReads, makeStep } from "./step-maker.ts";

/** What is updated in place. Nobody else may write to any of it meanwhile. */
export interface InPlaceTarget {
  /** Holds the basis from its first byte on, and the target afterwards. */
  file: StorageFile;
  /** A folder that holds nothing else: journal, spool and stash go there. */
  scratch: StorageFolder;
  /** The file's size is not ours to change, as that of a block device. */
  hasFixedSize?: boolean | undefined;
  /** Bytes by which the file can grow, where that is other space than the scratch folder's. */
  growthBytes?: number | undefined;
}

/** Options of {@link applyDeltaInPlace}. */
export interface InPlaceOptions extends Pick<ApplyOptions, "segmentCoding"> {
  /** What the delta may ask for; the rest as in `DEFAULT_DELTA_LIMITS`. */
  limits?: Partial<DeltaLimits> | undefined;
  /** Aborting rejects with the signal's reason; what was begun can go on later. */
  signal?: AbortSignal | undefined;
  /** Phases: "check", "prepare", "write", "verify". */
  onProgress?: OnProgress | undefined;
}

/** What applying in place did. */
export interface InPlaceResult {
  /** `"none"`: the target was there already. `"resumed"`: an interrupted update was completed. */
  done: "applied" | "resumed" | "none";
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  /** Bytes written to the file itself, by this run. */
  writtenBytes: number;
  /** Bytes written to the stash, by this run. */
  stashedBytes: number;
}

/** An update of a target that was interrupted. */
export interface PendingUpdate {
  basisSha256: Uint8Array;
  targetBytes: number;
  targetSha256: Uint8Array;
  /** Whether it can go on without the delta. Until then the basis is as it was. */
  isPrepared: boolean;
}

/**
 * Whether a scratch folder holds an update that was interrupted.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_VERSION` for that of another version.
 */
export async function findPendingUpdate(scratch: StorageFolder): Promise<PendingUpdate | undefined> {
  const found = await Journal.open(scratch);
  if (found === undefined) return undefined;
  await found.journal.close();
  const { basisSha256, targetBytes, targetSha256 } = found.state.identity;
  return { basisSha256, targetBytes, targetSha256, isPrepared: found.state.prepared !== undefined };
}

function identityOf(header: DeltaHeader): UpdateIdentity {
  const { basisBytes, basisSha256, targetBytes, targetSha256 } = header;
  const { stepBytes, blockBytes, stashBytes } = requireInPlace(header.inPlace);
  return { basisBytes, basisSha256, targetBytes, targetSha256, stepBytes, blockBytes, stashBytes };
}

function isSameUpdate(a: UpdateIdentity, b: UpdateIdentity): boolean {
  return equalBytes(a.basisSha256, b.basisSha256) && equalBytes(a.targetSha256, b.targetSha256);
}

/** SHA-256 of the file's first bytes, for several lengths at one pass; `undefined` where the file is shorter. */
async function hashPrefixes(
  file: StorageFile,
  lengths: readonly number[],
  { signal, onProgress }: InPlaceOptions,
): Promise<(Uint8Array | undefined)[]> {
  const hashes = lengths.map((length) => (length <= file.size ? createSha256() : undefined));
  const totalBytes = Math.max(0, ...lengths.filter((length) => length <= file.size));
  let offset = 0;
  for await (const piece of scanSource(file, { length: totalBytes, signal })) {
    for (const [i, length] of lengths.entries()) {
      hashes[i]?.update(piece.subarray(0, Math.max(0, length - offset)));
    }
    offset += piece.length;
    onProgress?.({ phase: "check", doneBytes: offset, totalBytes });
  }
  return hashes.map((hash) => hash?.digest());
}

/** One update of one target, from wherever it stands to its end. */
class InPlaceUpdate {
  readonly #target: InPlaceTarget;
  readonly #identity: UpdateIdentity;
  readonly #options: InPlaceOptions;
  readonly #hash64: Hash64Api;
  writtenBytes = 0;
  stashedBytes = 0;

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
    await this.#checkSpace(requireInPlace(reader.header.inPlace).spoolBytes);
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
    const reads = new InPlaceReads(this.#identity);
    const file = await this.#target.scratch.openFile(FileName.SPOOL, "existing");
    try {
      const spool = await SpoolReader.open(file, index, reads.stepCount);
      for (let step = 0; step < reads.stepCount; step++) {
        gatherStepReads(await spool.read(step), step, reads);
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
      const spool = await SpoolReader.open(spoolFile, index, reads.stepCount);
      await new StepRunner(
        this.#target.file,
        stash,
        spool,
        journal,
        reads,
        this.#hash64,
        this.#options,
        this,
      ).run(started);
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

/** Runs the steps of a plan, so that a power cut at any moment leaves a state from which the rest can be run. */
class StepRunner {
  readonly #file: StorageFile;
  readonly #stash: StorageFile;
  readonly #spool: SpoolReader;
  readonly #journal: Journal;
  readonly #reads: InPlaceReads;
  readonly #hash64: Hash64Api;
  readonly #options: InPlaceOptions;
  readonly #counts: { writtenBytes: number; stashedBytes: number };
  readonly #content: Uint8Array;
  /** What is copied to the stash at once. */
  readonly #piece: Uint8Array;

  constructor(
    file: StorageFile,
    stash: StorageFile,
    spool: SpoolReader,
    journal: Journal,
    reads: InPlaceReads,
    hash64: Hash64Api,
    options: InPlaceOptions,
    counts: { writtenBytes: number; stashedBytes: number },
  ) {
    this.#file = file;
    this.#stash = stash;
    this.#spool = spool;
    this.#journal = journal;
    this.#reads = reads;
    this.#hash64 = hash64;
    this.#options = options;
    this.#counts = counts;
    const { stepBytes, targetBytes, blockBytes } = reads.layout;
    this.#content = new Uint8Array(Math.min(stepBytes, targetBytes));
    this.#piece = new Uint8Array(Math.max(blockBytes, Math.min(CHUNK_BYTES, targetBytes)));
  }

  async run(started: JournalState["started"]): Promise<void> {
    const { signal, onProgress } = this.#options;
    const plan = new InPlacePlan(this.#reads);
    const old = new OldBytes(this.#file, this.#stash, plan, this.#reads.layout);
    const { targetBytes, stepBytes } = this.#reads.layout;
    let turn = 1;
    for (let planned = plan.next(); planned !== undefined; planned = plan.next(), turn++) {
      if (started !== undefined && turn < started.turn) continue;
      signal?.throwIfAborted();
      const { step, stash } = planned;
      const isRedone = started?.turn === turn;
      if (isRedone && (await this.#isMade(step))) continue;
      if (isRedone) await this.#checkStash(stash, started.stashChecksum);
      else await this.#journal.started({ turn, stashChecksum: await this.#fillStash(stash) });
      await this.#make(step, old);
      onProgress?.({
        phase: "write",
        doneBytes: Math.min(turn * stepBytes, targetBytes),
        totalBytes: targetBytes,
      });
    }
  }

  #contentOf(step: number): { offset: number; content: Uint8Array } {
    const { stepBytes, targetBytes } = this.#reads.layout;
    const offset = step * stepBytes;
    return { offset, content: this.#content.subarray(0, Math.min(stepBytes, targetBytes - offset)) };
  }

  /** Whether the file holds what a step makes: the power cut came after its last write. */
  async #isMade(step: number): Promise<boolean> {
    const { offset, content } = this.#contentOf(step);
    await this.#file.read(offset, content);
    if (this.#hash64.hash(content) !== this.#spool.contentChecksum(step)) return false;
    // It may be in memory only, of a process that was killed.
    await this.#file.sync();
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
      await this.#file.read(offset, bytes);
      hash.update(bytes);
      await this.#stash.write(at, bytes);
      this.#counts.stashedBytes += length;
    }
    if (stash.length > 0) await this.#stash.sync();
    return hash.digest();
  }

  async #checkStash(stash: readonly StashedBlock[], expected: bigint): Promise<void> {
    const hash = this.#hash64.create();
    for (const { at, length } of this.#stashRanges(stash)) {
      const bytes = this.#piece.subarray(0, length);
      if (this.#stash.size < at + length) throw lostStash();
      await this.#stash.read(at, bytes);
      hash.update(bytes);
    }
    if (hash.digest() !== expected) throw lostStash();
  }

  /** Make what a step makes, prove it, write it, and wait until it is safe. */
  async #make(step: number, old: OldBytes): Promise<void> {
    const { offset, content } = this.#contentOf(step);
    await makeStep(await this.#spool.read(step), old, content);
    if (this.#hash64.hash(content) !== this.#spool.contentChecksum(step)) {
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
        await this.#file.write(from * blockBytes, bytes);
        this.#counts.writtenBytes += bytes.length;
      }
      from = to + 1;
    }
    await this.#file.sync();
  }
}

function lostStash(): StateError {
  return new StateError(
    ErrorCode.BAD_STATE,
    "the interrupted update cannot go on: old bytes that it had put aside are lost; pull the image as a whole",
  );
}

/**
 * Make the target of a delta in the place of its basis, so that a power cut at any moment loses nothing.
 *
 * First the whole delta is gone through with the basis untouched: it is proven to make the target, and what it does is
 * written down in the scratch folder. Then the target is written step by step, in an order that reads old bytes before it
 * overwrites them; what would be overwritten too early is stashed. At any moment every byte that is still needed is in its old
 * place, in its new place, or in a synced stash. A run that was interrupted, by whatever, is completed by the next with the same
 * arguments, or without the delta once that is not needed any more. A finished update is found finished, and nothing is done.
 *
 * The scratch folder takes at most what the delta's header declares (`inPlace` of `inspectDelta`) and a few kilobytes.
 * Memory: as for `applyDelta`, and a step (4 MiB as a rule).
 *
 * @param delta - in order; `undefined` completes the update that was interrupted.
 * @throws {@link MismatchError} `BASIS_MISMATCH`, {@link SpaceError} `NO_SPACE`, {@link FormatError} and whatever else
 * `applyDelta` throws before the first byte is overwritten; {@link StateError} `UPDATE_PENDING` when another update was
 * interrupted, `BAD_STATE` when what that left behind is of no use or there is nothing to complete; {@link MismatchError} `TARGET_MISMATCH`.
 * Errors of the storage pass through; the update can go on when their cause is gone.
 */
export async function applyDeltaInPlace(
  target: InPlaceTarget,
  delta: ByteInput | undefined,
  options: InPlaceOptions = {},
): Promise<InPlaceResult> {
  const { file, scratch } = target;
  const found = await Journal.open(scratch);
  let journal = found?.journal;
  let reader: DeltaReader | undefined;
  try {
    reader = delta && (await DeltaReader.open(delta, options));
    const pending = found?.state.prepared && found.state;
    const wanted = reader && identityOf(reader.header);
    if (pending && wanted && !isSameUpdate(pending.identity, wanted)) {
      const [expected, actual] = [toHex(pending.identity.targetSha256), toHex(wanted.targetSha256)];
      throw new StateError(
        ErrorCode.UPDATE_PENDING,
        `an update to ${expected} was interrupted and must be completed first; this delta leads to ${actual}`,
        { expected, actual },
      );
    }
    // What a process that was killed has written may be in memory only.
    if (pending) await Promise.all([file.sync(), scratch.sync(), found?.journal.sync()]);
    const identity = pending?.identity ?? wanted;
    if (identity === undefined) {
      throw new StateError(
        ErrorCode.BAD_STATE,
        found === undefined
          ? "expected an interrupted update, found none"
          : "the interrupted update had changed nothing yet; apply the delta again",
      );
    }
    const update = new InPlaceUpdate(target, identity, await loadHash64(), options);
    const { isBasis, isTarget } = await update.examine(pending !== undefined);
    const result = (done: InPlaceResult["done"]): InPlaceResult => ({
      done,
      basisBytes: identity.basisBytes,
      targetBytes: identity.targetBytes,
      targetSha256: identity.targetSha256,
      writtenBytes: update.writtenBytes,
      stashedBytes: update.stashedBytes,
    });
    if (isTarget) {
      await update.finish(true);
      return result(pending === undefined ? "none" : "resumed");
    }
    const canResume = pending?.started !== undefined && file.size >= identity.targetBytes;
    if (!isBasis && !canResume) throw notTheBasis(identity, pending !== undefined);
    let index = pending?.prepared;
    let reads: InPlaceReads;
    if (index === undefined) {
      await journal?.close();
      journal = undefined;
      ({ journal, reads, index } = await update.prepare(reader!));
    } else reads = await update.gatherReads(index);
    await update.grow();
    await update.runSteps(reads, index, journal!, isBasis ? undefined : pending?.started);
    await update.finish(false);
    return result(pending === undefined ? "applied" : "resumed");
  } finally {
    await reader?.close();
    await journal?.close();
  }
}

function notTheBasis({ basisBytes, basisSha256 }: UpdateIdentity, isPending: boolean): Error {
  const expected = toHex(basisSha256);
  if (isPending) {
    return new StateError(
      ErrorCode.BAD_STATE,
      `an update of ${expected} was interrupted, and the target is neither that nor what it leads to; pull the image as a whole`,
    );
  }
  return new MismatchError(
    ErrorCode.BASIS_MISMATCH,
    `the delta was made against another basis: expected ${basisBytes} bytes with SHA-256 ${expected}, found others`,
    { expected },
  );
}
