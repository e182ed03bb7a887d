import type { Worker } from "node:worker_threads";

/**
 * Wait for the one answer of a thread that was started for it. Until then it keeps the process alive, unless nobody waits for it
 * any more.
 *
 * @throws whatever made the thread end, without its class; the signal's reason.
 */
export async function askThread<Answer>(worker: Worker, signal?: AbortSignal): Promise<Answer> {
  let abort = (): void => {};
  try {
    return await new Promise<Answer>((resolve, reject) => {
      abort = () => {
        reject(signal?.reason);
        worker.unref();
        void worker.terminate();
      };
      signal?.addEventListener("abort", abort);
      worker.on("message", resolve);
      worker.on("error", reject);
      worker.on("exit", (code) => reject(new Error(`expected an answer, the thread ended with ${code}`)));
    });
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
