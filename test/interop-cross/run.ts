/**
 * Cross checks with the tools that define the formats: npm run test:interop [-- --cases N] [-- --seed S] [-- FORMAT…]
 *
 * Prints each difference with the seed that shows it again, and counts. Fails when anything differs or a tool is missing.
 */
import { parseArgs } from "node:util";
import { bsdiff } from "./bsdiff.ts";
import { type CrossCheck, hasProgram } from "./check.ts";
import { rdiff } from "./rdiff.ts";
import { runCases } from "./run-cases.ts";
import { vcdiff } from "./vcdiff.ts";

const CHECKS: ReadonlyMap<string, CrossCheck> = new Map([
  ["rdiff", rdiff],
  ["vcdiff", vcdiff],
  ["bsdiff", bsdiff],
]);

const { values, positionals } = parseArgs({
  options: {
    cases: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
  allowPositionals: true,
});
const range = { cases: Number(values.cases), seed: Number(values.seed) };
for (const [name, check] of CHECKS) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const missing = check.programs.filter((program) => !hasProgram(program));
  if (missing.length > 0) {
    console.error(`${name}: expected ${check.programs.join(", ")}, found no ${missing.join(", ")}`);
    process.exitCode = 1;
    continue;
  }
  const startedMs = performance.now();
  let differing = 0;
  await runCases(check, range, (seed, differences) => {
    if (differences.length > 0) differing++;
    for (const difference of differences) console.error(`${name}, seed ${seed}: ${difference}`);
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(
    `${name}: ${range.cases} cases from seed ${range.seed}, ${differing} with differences, ${seconds} s`,
  );
  if (differing > 0) process.exitCode = 1;
}
