import { Worker, type WorkerOptions } from "node:worker_threads";

// tsx 4 leaves threads alone on Node 20, so what loads the sources of this package is loaded there by hand.
const LOAD_TYPESCRIPT = `
const { loader, file } = require("node:worker_threads").workerData;
import(loader).then(({ register }) => register()).then(() => import(file));`;

/**
 * Start a thread that runs a module of this package.
 *
 * @param file - the module, compiled or, in the project's own tests, its source.
 */
export function startThread(file: URL, resourceLimits: WorkerOptions["resourceLimits"] = {}): Worker {
  // None of the process's own flags: `--input-type`, say, is refused with a file.
  const options = { execArgv: [], resourceLimits };
  if (!file.pathname.endsWith(".ts")) return new Worker(file, options);
  const workerData = { loader: import.meta.resolve("tsx/esm/api"), file: file.href };
  return new Worker(LOAD_TYPESCRIPT, { ...options, eval: true, workerData });
}
