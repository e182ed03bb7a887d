/**
 * All of the conformance tests, those over 2^32 bytes included: `npm run test:conformance -- --cases 1000` for so many random
 * deltas, and as many with changed bytes.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { cases: { type: "string", default: "100" } } });
const settings = {
  FLATDELTA_CONFORMANCE: "all",
  FLATDELTA_CASES: values.cases,
  FLATDELTA_VERDICTS: values.cases,
};
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", fileURLToPath(new URL("../run.ts", import.meta.url)), "conformance"],
  { stdio: "inherit", env: { ...process.env, ...settings } },
);
process.exit(status ?? 1);
