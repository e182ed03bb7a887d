import { BasisCursor, OpKind, OpReader } from "../../delta/index.ts";
import type { PagedSource } from "../../io/index.ts";
import type { InPlaceReads } from "../../transform/index.ts";
import { MemoryOutput } from "../output.ts";
import { WindowApplier } from "../window-applier.ts";
import type { StepPiece } from "./spool.ts";

/** The ops of a piece of a step. */
function opsOf(piece: StepPiece, basisBytes: number): OpReader {
  const bounds = {
    basisBytes,
    windowBytes: piece.targetBytes,
    literalBytes: piece.data.length,
    residualBytes: piece.residual.length,
  };
  return new OpReader(piece.control, bounds, new BasisCursor());
}

/**
 * Carry out the ops of one step.
 *
 * @param old - the basis as it can be read now. What is kept of it is forgotten: the step before may have overwritten it.
 * @param into - filled with the target bytes of the step.
 */
export async function makeStep(
  pieces: AsyncIterable<StepPiece>,
  old: PagedSource,
  into: Uint8Array,
): Promise<void> {
  await old.forget();
  const applier = new WindowApplier(old, new MemoryOutput(into));
  for await (const piece of pieces) {
    const segments = { ...piece, residualIsTarget: false, finish: () => Promise.resolve() };
    await applier.apply(segments, opsOf(piece, old.size));
  }
}

/** Gather what a step reads from what the spool says of it alone: the same as when it was recorded. */
export async function gatherStepReads(
  pieces: AsyncIterable<StepPiece>,
  step: number,
  reads: InPlaceReads,
): Promise<void> {
  const { basisBytes, stepBytes } = reads.layout;
  let at = step * stepBytes;
  for await (const piece of pieces) {
    for (const ops = opsOf(piece, basisBytes); ops.next(); at += ops.length) {
      if (ops.kind === OpKind.DATA || ops.kind === OpKind.RUN) continue;
      reads.add(at, ops.basisOffset, ops.length, ops.kind === OpKind.COPY);
    }
  }
}
