import { BasisCursor, OpKind, OpReader } from "../../delta/index.ts";
import type { Source } from "../../io/index.ts";
import type { InPlaceReads } from "../../transform/index.ts";
import { MemoryOutput } from "../output.ts";
import { WindowApplier } from "../window-applier.ts";
import type { StepRecord } from "./spool.ts";

/**
 * Carry out the ops of one step.
 *
 * @param old - the basis as it can be read now.
 * @param into - filled with the target bytes of the step.
 */
export async function makeStep(record: StepRecord, old: Source, into: Uint8Array): Promise<void> {
  const bounds = {
    basisBytes: old.size,
    windowBytes: into.length,
    literalBytes: record.data.length,
    residualBytes: record.residual.length,
  };
  // A new one for each step: it keeps pages of the basis, which the step before may have overwritten.
  const applier = new WindowApplier(old, new MemoryOutput(into));
  const ops = new OpReader(record.control, bounds, new BasisCursor());
  await applier.apply({ ...record, residualIsTarget: false, ready: Promise.resolve() }, ops);
}

/** Gather what a step reads from its record alone: the same as when it was recorded. */
export function gatherStepReads(record: StepRecord, step: number, reads: InPlaceReads): void {
  const { basisBytes, targetBytes, stepBytes } = reads.layout;
  const from = step * stepBytes;
  const bounds = {
    basisBytes,
    windowBytes: Math.min(stepBytes, targetBytes - from),
    literalBytes: record.data.length,
    residualBytes: record.residual.length,
  };
  const ops = new OpReader(record.control, bounds, new BasisCursor());
  for (let at = from; ops.next(); at += ops.length) {
    if (ops.kind === OpKind.DATA || ops.kind === OpKind.RUN) continue;
    reads.add(at, ops.basisOffset, ops.length, ops.kind === OpKind.COPY);
  }
}
