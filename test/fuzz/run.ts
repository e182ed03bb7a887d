/**
 * Fuzz the parsers: `npm run fuzz -- [PARSER…] [--seconds N] [--executions N] [--seed S] [--jobs K]`.
 *
 * Each parser runs for N seconds, or N inputs if that is sooner, in a process of its own, K at a time. With a number of inputs
 * small enough the run is the same on every machine. Prints a table; fails when anything was found. Inputs
 * that crash a parser come to lie in `test/fuzz/crashers/PARSER/`, from where the unit tests take them.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { FuzzReport } from "./process.ts";
import { TARGETS } from "./targets/index.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Fuzz one parser; the error tells when the process was ended. */
async function fuzzParser(
  parser: string,
  { seconds, executions, seed }: { seconds: number; executions: number; seed: number },
): Promise<FuzzReport | Error> {
  const options = ["--import", "tsx", "--max-old-space-size=1024", here("process.ts")];
  const child = spawn(
    process.execPath,
    [...options, parser, String(seconds), String(executions), String(seed), here(`crashers/${parser}`)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise<number | string>((resolve) =>
    child.on("close", (status, signal) => resolve(status ?? signal!)),
  );
  if (code === 0) return JSON.parse(output.trim().split("\n").at(-1)!) as FuzzReport;
  return new Error(
    `${parser}: its process ended with ${code}; what it was running, if it was ended for that, is in test/fuzz/crashers/${parser}/ended-${child.pid}`,
  );
}

function printTable(reports: readonly FuzzReport[]): void {
  const rows = reports.map((report) => [
    report.parser,
    report.seconds.toFixed(0),
    String(report.executions),
    (report.executions / report.seconds).toFixed(0),
    `${report.blocksRun}/${report.blocks}`,
    String(report.functions),
    `${report.seeds} + ${report.newInputs}`,
    (report.peakMemoryBytes / 2 ** 20).toFixed(0),
    String(report.crashes.length),
  ]);
  const heads = [
    "parser",
    "seconds",
    "executions",
    "per second",
    "blocks",
    "functions",
    "inputs",
    "MiB",
    "crashes",
  ];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  for (const row of [heads, widths.map((width) => "-".repeat(width)), ...rows])
    console.log(
      `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`,
    );
}

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: "string" },
    executions: { type: "string" },
    seed: { type: "string" },
    jobs: { type: "string" },
  },
  allowPositionals: true,
});
const { seconds = "60", executions = "1e9", seed = "1", jobs = "1" } = values;
const amount = { seconds: Number(seconds), executions: Number(executions), seed: Number(seed) };
const parsers = positionals.length > 0 ? positionals : Object.keys(TARGETS);
const unknown = parsers.filter((parser) => !(parser in TARGETS));
if (unknown.length > 0 || !Object.values(amount).every(Number.isFinite) || !(Number(jobs) >= 1)) {
  console.error(`expected parsers of ${Object.keys(TARGETS).join(", ")}, found ${positionals.join(", ")}`);
  process.exit(2);
}
const reports: FuzzReport[] = [];
const failures: string[] = [];
const queue = [...parsers];
await Promise.all(
  Array.from({ length: Number(jobs) }, async () => {
    for (let parser = queue.shift(); parser !== undefined; parser = queue.shift()) {
      const report = await fuzzParser(parser, amount);
      if (report instanceof Error) failures.push(report.message);
      else {
        reports.push(report);
        for (const { path, message } of report.crashes) failures.push(`${path}\n${message}`);
      }
    }
  }),
);
printTable(reports.sort((a, b) => parsers.indexOf(a.parser) - parsers.indexOf(b.parser)));
for (const failure of failures) console.error(`\n${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
