import { setFlagsFromString } from "node:v8";

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
