import { statSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { startPairThread } from "../encode/node.ts";

/** Where files are smaller, a delta may be made without threads. */
const MIN_FILE_BYTES = 1 << 25;

/**
 * Start a thread for a delta of large files before what makes deltas is loaded: both take a tenth of a second.
 *
 * @param args - those of the command, as they are given.
 */
export function startThreadEarly(args: readonly string[]): Worker | undefined {
  // Those may want none.
  if (args.some((arg) => /^--(?:workers|format)(?:=|$)/u.test(arg))) return undefined;
  const large = args.filter((arg) => {
    const found = statSync(arg, { throwIfNoEntry: false });
    return found?.isFile() === true && found.size >= MIN_FILE_BYTES;
  });
  return large.length > 1 ? startPairThread() : undefined;
}
