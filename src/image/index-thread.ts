import type { SourceIndex } from "../encode/input.ts";
import { askThread } from "../io/ask-thread.ts";
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
  const { columns, ...index } = await askThread<IndexAnswer>(worker, signal);
  return { ...index, entries: unpackEntries(columns) };
}
