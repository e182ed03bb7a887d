import { equalBytes, toHex } from "../../bytes/index.ts";
import { type DeltaHeader, DeltaReader } from "../../delta/index.ts";
import { ErrorCode, MismatchError, StateError } from "../../errors.ts";
import { loadHash64 } from "../../hash/index.ts";
import type { ByteInput } from "../../io/index.ts";
import type { InPlaceReads } from "../../transform/index.ts";
import { Journal, type UpdateIdentity } from "./journal.ts";
import { requireInPlace } from "./prepare-steps.ts";
import type { InPlaceOptions, InPlaceResult, InPlaceTarget } from "./target.ts";
import { InPlaceUpdate } from "./update.ts";

function identityOf(header: DeltaHeader): UpdateIdentity {
  const { basisBytes, basisSha256, targetBytes, targetSha256 } = header;
  const { stepBytes, blockBytes, stashBytes } = requireInPlace(header.inPlace);
  return { basisBytes, basisSha256, targetBytes, targetSha256, stepBytes, blockBytes, stashBytes };
}

function isSameUpdate(a: UpdateIdentity, b: UpdateIdentity): boolean {
  return equalBytes(a.basisSha256, b.basisSha256) && equalBytes(a.targetSha256, b.targetSha256);
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
      stashBytes: update.stashBytes,
      spoolBytes: update.spoolBytes,
    });
    if (isTarget) {
      await update.finish(true);
      return result(pending === undefined ? "none" : "resumed");
    }
    const wholeBytes = Math.max(identity.basisBytes, identity.targetBytes);
    const canResume = pending?.started !== undefined && file.size >= wholeBytes;
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
