/**
 * What a thread of {@link createWorkerPool} runs: one task after another.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { fillSlots, type MatchColumns, matchIndexedPiece, matchPair } from "../match/index.ts";

/** What a thread is asked to do. Only what a task alone uses is moved to it; the rest is in memory that threads share. */
export type PairTask =
  /** Match a pair. */
  | { kind: "pair"; target: Uint8Array; basis: Uint8Array }
  /** Index a basis; the answer has no meaning. */
  | { kind: "index"; basis: Uint8Array; slots: Int32Array }
  /** Match a piece of a target with an indexed basis. */
  | { kind: "piece"; piece: Uint8Array; pieceOffset: number; basis: Uint8Array; slots: Int32Array };

function perform(task: PairTask): MatchColumns | undefined {
  switch (task.kind) {
    case "pair":
      return matchPair(task.target, task.basis);
    case "piece":
      return matchIndexedPiece(task.piece, task.pieceOffset, task.basis, task.slots);
    case "index":
      fillSlots(task.basis, task.slots);
      return undefined;
  }
}

parentPort?.on("message", (task: PairTask) => {
  const columns = perform(task);
  const moved =
    columns === undefined ? [] : Object.values(columns).map(({ buffer }) => buffer as ArrayBuffer);
  parentPort?.postMessage(columns, moved);
});
