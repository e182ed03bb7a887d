/** Adds the golden files that are described but not there: `npm run golden`. It takes a Node that has zstd. */

import { GOLDEN_SET } from "./cases/index.ts";
import { addGoldenFiles, GOLDEN_FOLDER } from "./golden.ts";

const added = await addGoldenFiles(process.argv[2] ?? GOLDEN_FOLDER, GOLDEN_SET);
console.log(added.length === 0 ? "nothing to add" : `added ${added.length}:\n${added.join("\n")}`);
