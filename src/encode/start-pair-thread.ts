import type { Worker } from "node:worker_threads";
import { startThread } from "../io/start-thread.ts";

/** Start a thread for `createWorkerPool`. It keeps the process alive only while it works. */
export function startPairThread(): Worker {
  // Two literal names, so that bundlers can follow them.
  const worker = startThread(
    import.meta.url.endsWith(".ts")
      ? new URL("./pair-worker.ts", import.meta.url)
      : new URL("./pair-worker.js", import.meta.url),
  );
  worker.unref();
  return worker;
}
