/**
 * `npm run test:balena`: the built CLI against a real balenaEngine, whose program is on PATH or named by `BALENA_ENGINE`.
 *
 * Needs root and the programs below; it fails when one is missing. `npm run test:balena -- WORD` runs only the checks whose claim
 * has the word in it.
 *
 * @module
 */
import { BALENA_CHECKS } from "./balena-checks.ts";
import { runSuite } from "./run-checks.ts";
import { buildStressImage, STRESS_TAG } from "./stress-image.ts";
import { NEEDED_PROGRAMS } from "./tools.ts";

const NEEDED = [
  "docker-registry",
  "getfattr",
  "mknod",
  "setcap",
  "setfattr",
  "skopeo",
  "tar",
  "touch",
  "umoci",
];

await runSuite({
  name: "test:balena",
  checks: BALENA_CHECKS,
  neededPrograms: NEEDED_PROGRAMS.filter(([program]) => NEEDED.includes(program)),
  prepareImages: (work) => [
    // Nothing unpacks it here.
    { name: "stress", layout: buildStressImage(work), tag: STRESS_TAG, tree: "" },
  ],
});
