/**
 * What a thread of {@link createWorkerPool} runs: one pair after another.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { matchPair } from "../match/index.ts";

/** A pair to match. */
export interface PairRequest {
  target: Uint8Array;
  basis: Uint8Array;
}

parentPort?.on("message", ({ target, basis }: PairRequest) => {
  const columns = matchPair(target, basis);
  const { targetOffsets, basisOffsets, lengths, exact } = columns;
  parentPort?.postMessage(columns, [targetOffsets.buffer, basisOffsets.buffer, lengths.buffer, exact.buffer]);
});
