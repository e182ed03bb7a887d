import type { SourceIndex } from "../encode/input.ts";
import type { FileSource } from "../io/node.ts";
import { startThread } from "../io/start-thread.ts";
import { unpackEntries } from "./flat/entry-columns.ts";
import type { IndexAnswer, IndexTask } from "./index-worker.ts";

/**
 * Let a thread index a flat image. The file stays open until then.
 *
 * @throws whatever made the thread end, without its class; the signal's reason.
 */
export async function indexOnThread(file: FileSource, signal?: AbortSignal): Promise<SourceIndex> {
  signal?.throwIfAborted();
  const task: IndexTask = { descriptor: file.descriptor, sizeBytes: file.size };
  const worker = startThread(
    import.meta.url.endsWith(".ts")
      ? new URL("./index-worker.ts", import.meta.url)
      : new URL("./index-worker.js", import.meta.url),
    task,
  );
  // It is at an end when it has answered. Until then it keeps the process alive, unless nobody waits for it any more.
  let abort = (): void => {};
  try {
    const { columns, ...index } = await new Promise<IndexAnswer>((resolve, reject) => {
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
    return { ...index, entries: unpackEntries(columns) };
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
