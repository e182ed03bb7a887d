import { setFlagsFromString } from "node:v8";

/**
 * Keep V8's heap near the size of what is in use, for commands that run on small devices. From here on its young generation does not
 * grow (it would to three times 16 MB), and the old one by a quarter before it is tidied up, not by twice and more. Applying a
 * delta takes up to a tenth longer for it where the image is a folder, which is many objects, and 1 to 2 % elsewhere.
 *
 * V8 looks at these flags whenever it might let the heap grow, and sets the first one back when a thread starts: say it again then.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=25");
}
