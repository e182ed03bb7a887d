/**
 * A process that does one piece of work for the service and says how it ended.
 *
 * @module
 */

import { createWorkerPool } from "../encode/node.ts";
import { errorCodeOf, errorMessageOf } from "../errors.ts";
import { openFileSource, openStorageFile } from "../io/node.ts";
import { createInlineMaker, type MakerContext } from "./maker.ts";
import type { MakerAnswer, MakerTask } from "./maker-task.ts";
import { readReleaseImage } from "./read-release-image.ts";
import type { StoreDraft } from "./store.ts";

const say = (answer: MakerAnswer): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send!(answer, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });

const PROGRESS_MS = 200;

function tellProgress(): MakerContext["onProgress"] {
  let toldMs = 0;
  return (progress) => {
    const now = performance.now();
    if (now - toldMs < PROGRESS_MS) return;
    toldMs = now;
    say({ kind: "progress", progress }).catch(() => {});
  };
}

/** The draft that the service has opened; the service commits it. */
async function openDraft(path: string): Promise<StoreDraft & { close(): Promise<void> }> {
  const handle = await openStorageFile(path);
  let offset = 0;
  return {
    write: async (bytes) => {
      await handle.write(offset, bytes);
      offset += bytes.length;
    },
    commit: async () => {},
    discard: async () => {},
    close: () => handle.close(),
  };
}

async function work(task: MakerTask): Promise<object> {
  const { level, codec, workers, ...places } = task.options;
  const pool = createWorkerPool(workers);
  const maker = createInlineMaker({
    readImage: (name, signal) => readReleaseImage(name, places, signal),
    delta: { level, codec, workers: pool },
  });
  const context: MakerContext = { signal: new AbortController().signal, onProgress: tellProgress() };
  const draft = await openDraft(task.into);
  try {
    if (task.kind === "flatten") return await maker.flatten(task.image, draft, context);
    const [basis, target] = [await openFileSource(task.basis), await openFileSource(task.target)];
    return await maker.makeDelta(basis, target, draft, context);
  } finally {
    await draft.close();
    await pool.close();
  }
}

// A service that is gone wants no delta any more.
process.on("disconnect", () => process.exit(1));
process.once("message", async (task: MakerTask) => {
  try {
    await say({ kind: "done", result: await work(task) });
  } catch (error) {
    await say({ kind: "failed", code: errorCodeOf(error), message: errorMessageOf(error) });
  }
});
