/**
 * What a thread of {@link createWorkerPool} runs: one task after another.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { type PairTask, performTask } from "./pair-tasks.ts";

async function answerTask(task: PairTask): Promise<void> {
  const answer = await performTask(task);
  const moved =
    typeof answer === "object" && "lengths" in answer
      ? Object.values(answer).map(({ buffer }) => buffer)
      : [];
  parentPort?.postMessage(answer, moved);
}

// Answers come in the order of the tasks, of which the next may be here before one is done.
let answered = Promise.resolve();
parentPort?.on("message", (task: PairTask) => {
  answered = answered.then(() => answerTask(task));
});
