import type { ContestResult } from "./contest.ts";
import type { Machine } from "./machine.ts";
import { formatMegabytes, formatNumber, formatSeconds, formatTable } from "./table.ts";

/** One pair and what everybody made of it. */
export interface PairReport {
  name: string;
  basis: { bytes: number; sha256: string };
  target: { bytes: number; sha256: string };
  /** Compressed layers that a device without deltas would download. */
  pullBytes?: number;
  /** Flattening both images: whole processes, one after the other. */
  flattenSeconds: number;
  flattenPeakBytes?: number;
  results: ContestResult[];
}

/** All of a run: what `--json` writes. */
export interface BenchReport {
  date: string;
  machine: Machine;
  memoryMethod: string;
  timeoutSeconds: number;
  runs: number;
  /** Peers that were asked for or known, and are not on PATH. */
  missing: string[];
  pairs: PairReport[];
}

/** A pair's table. */
export function formatPair(pair: PairReport, timeoutSeconds: number): string {
  const pull = pair.pullBytes === undefined ? "" : `, pull ${formatNumber(pair.pullBytes)}`;
  const title =
    `${pair.name}: flat target ${formatNumber(pair.target.bytes)} bytes${pull};` +
    ` flattening both took ${formatSeconds(pair.flattenSeconds)} s, ${formatMegabytes(pair.flattenPeakBytes)} MB`;
  const head = ["", "delta bytes", "% of target", "make s", "make MB", "apply s", "apply MB", ""];
  const rows = pair.results.map((result) => {
    const over = `> ${timeoutSeconds}`;
    const isMade = result.deltaBytes !== undefined;
    const timedOut = result.status === "timeout";
    return [
      result.contender,
      isMade ? formatNumber(result.deltaBytes!) : "-",
      isMade ? ((100 * result.deltaBytes!) / pair.target.bytes).toFixed(3) : "-",
      result.makeSeconds !== undefined ? formatSeconds(result.makeSeconds) : timedOut ? over : "-",
      formatMegabytes(result.makePeakBytes),
      result.applySeconds !== undefined
        ? formatSeconds(result.applySeconds)
        : timedOut && isMade
          ? over
          : "-",
      formatMegabytes(result.applyPeakBytes),
      result.status === "failed" ? "FAILED" : "",
    ];
  });
  const reasons = pair.results
    .filter(({ status }) => status === "failed")
    .map(({ contender, reason }) => `  ${contender}: ${reason}`);
  return [title, formatTable([head, ...rows]), ...reasons].join("\n");
}

/** How ours compares with each other contender: geometric means over the pairs that both did; below 1 is better. */
export function formatRatios(pairs: readonly PairReport[], ours: string): string {
  const names = new Set(pairs.flatMap(({ results }) => results.map(({ contender }) => contender)));
  const rows: string[][] = [];
  for (const name of names) {
    if (name === ours) continue;
    const both = pairs.flatMap(({ results }) => {
      const mine = results.find(({ contender }) => contender === ours);
      const theirs = results.find(({ contender }) => contender === name);
      return mine?.status === "ok" && theirs?.status === "ok" ? [{ mine, theirs }] : [];
    });
    const mean = (
      key: "deltaBytes" | "makeSeconds" | "makePeakBytes" | "applySeconds" | "applyPeakBytes",
    ) => {
      const ratios = both.flatMap(({ mine, theirs }) => {
        const [a, b] = [mine[key], theirs[key]];
        return a === undefined || b === undefined || b === 0 ? [] : [a / b];
      });
      return ratios.length === 0 ? "-" : geometricMean(ratios).toFixed(3);
    };
    rows.push([
      `${ours} / ${name}`,
      String(both.length),
      mean("deltaBytes"),
      mean("makeSeconds"),
      mean("makePeakBytes"),
      mean("applySeconds"),
      mean("applyPeakBytes"),
    ]);
  }
  if (rows.length === 0) return "";
  const head = ["geometric means", "pairs", "delta", "make s", "make MB", "apply s", "apply MB"];
  return formatTable([head, ...rows]);
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
