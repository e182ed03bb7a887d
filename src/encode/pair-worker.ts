/**
 * What a thread of {@link createWorkerPool} runs: one task after another.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { type PairTask, performTask } from "./pair-tasks.ts";

parentPort?.on("message", async (task: PairTask) => {
  const answer = await performTask(task);
  const moved =
    typeof answer === "object" && "lengths" in answer
      ? Object.values(answer).map(({ buffer }) => buffer)
      : [];
  parentPort?.postMessage(answer, moved);
});
