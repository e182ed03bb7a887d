/**
 * What a thread of {@link createWorkerPool} runs: one task after another.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import {
  indexSharedPart,
  type MatchColumns,
  matchPair,
  matchSharedPiece,
  type SharedPair,
} from "../match/index.ts";

/** What a thread is asked to do. Only what a task alone uses is moved to it; the rest is in memory that threads share. */
export type PairTask =
  /** Match a pair. */
  | { kind: "pair"; target: Uint8Array; basis: Uint8Array }
  /** Index a part of a basis; there is no answer to it but that it is done. */
  | { kind: "index"; pair: SharedPair; part: number; partBits: number }
  /** Match a piece of a target with an indexed basis. */
  | { kind: "piece"; pair: SharedPair; area: number; pieceBytes: number; pieceOffset: number };

async function perform(task: PairTask): Promise<MatchColumns | undefined> {
  switch (task.kind) {
    case "pair":
      return matchPair(task.target, task.basis);
    case "piece":
      return matchSharedPiece(task.pair, task.area, task.pieceBytes, task.pieceOffset);
    case "index":
      await indexSharedPart(task.pair, task.part, task.partBits);
      return undefined;
  }
}

parentPort?.on("message", async (task: PairTask) => {
  const columns = await perform(task);
  const moved =
    columns === undefined ? [] : Object.values(columns).map(({ buffer }) => buffer as ArrayBuffer);
  parentPort?.postMessage(columns, moved);
});
