/** An update that kills its own process at a given moment: as SIGKILL and power cuts do, nothing is cleaned up. */
import { serviceSource, updateImage } from "../../src/update/index.ts";
import { flatFile } from "../../src/update/node.ts";

const [url, path, inPlace, phase, count] = process.argv.slice(2);
let seen = 0;
await updateImage({
  current: flatFile(path!, { inPlace: inPlace === "true" }),
  wanted: "app",
  source: serviceSource(url!),
  onEvent: (event) => {
    if (event.type === "progress" && event.phase === phase && ++seen === Number(count))
      process.kill(process.pid, "SIGKILL");
  },
});
// The moment never came: the test must know.
process.exitCode = 3;
