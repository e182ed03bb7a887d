import { Worker } from "node:worker_threads";

// tsx 4 leaves threads alone on Node 20, so what loads the sources of this package is loaded there by hand.
const LOAD_TYPESCRIPT = `
const { loader, file } = require("node:worker_threads").workerData;
import(loader).then(({ register }) => register()).then(() => import(file));`;

/** Start the thread of a pool, from the compiled file beside this one or, in the project's own tests, from its source. */
export function startThread(): Worker {
  // None of the process's own flags: `--input-type`, say, is refused with a file.
  const execArgv: string[] = [];
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./pair-worker.js", import.meta.url), { execArgv });
  }
  const loader = import.meta.resolve("tsx/esm/api");
  const file = new URL("./pair-worker.ts", import.meta.url).href;
  return new Worker(LOAD_TYPESCRIPT, { eval: true, execArgv, workerData: { loader, file } });
}
