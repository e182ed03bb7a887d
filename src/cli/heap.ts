import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { OnProgress } from "../io/index.ts";

/**
 * Keep V8's heap near the size of what is in use, for commands that run on small devices. From here on its young generation does not
 * grow (it would to three times 16 MB). Applying a delta takes 1 to 2 % longer for it. Nor does its middle compiler run (Maglev, from Node 22
 * on), which takes 9 MB on Node 24 and makes nothing faster here.
 *
 * The old generation is left alone: a limit that is met more often would take more off, but a compiler's thread that meets it while Node waits
 * for that thread blocks both for ever (nodejs/node#54918).
 *
 * V8 looks at the flags whenever it might let the heap grow or compile, and sets the first back when a thread starts: say it again then.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-maglev");
}

// What a collection, which takes 15 to 50 ms, is worth.
const GROWTH_BYTES = 3 * 2 ** 20;

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/**
 * Collect the garbage whenever the heap has grown by some MB while a target is made, as reports of progress tell. V8 itself lets it grow to twice its size first:
 * 4 to 6 MB of an update of a folder.
 */
export function collectAlong(onProgress: OnProgress | undefined): OnProgress {
  let limitBytes: number | undefined;
  let collect: Collect | undefined;
  return (progress) => {
    onProgress?.(progress);
    if (progress.phase !== "apply") return;
    const heapBytes = getHeapStatistics().total_heap_size;
    limitBytes ??= heapBytes + GROWTH_BYTES;
    if (heapBytes < limitBytes) return;
    if (collect === undefined) {
      // A context that is made from here on has the function.
      setFlagsFromString("--expose-gc");
      collect = runInNewContext("gc") as Collect;
      setFlagsFromString("--no-expose-gc");
    }
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
    limitBytes = getHeapStatistics().total_heap_size + GROWTH_BYTES;
  };
}
