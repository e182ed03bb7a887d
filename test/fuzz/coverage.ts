/** Which code of `src` was run, by V8's precise block coverage. */
import { Session } from "node:inspector";

/** A range of a script that is not run, [from, to). */
type Gap = readonly [from: number, to: number];

interface FunctionState {
  /** What no run has reached yet, in order. */
  gaps: readonly Gap[];
  /** Blocks that some run passed over: they tell how many there are. */
  readonly blocks: Set<string>;
}

interface ScriptCoverage {
  url: string;
  functions: {
    ranges: { startOffset: number; endOffset: number; count: number }[];
    isBlockCoverage: boolean;
  }[];
}

/** What of two lists of gaps is in both. */
function intersectGaps(a: readonly Gap[], b: readonly Gap[]): Gap[] {
  const common: Gap[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const from = Math.max(a[i]![0], b[j]![0]);
    const to = Math.min(a[i]![1], b[j]![1]);
    if (from < to) common.push([from, to]);
    if (a[i]![1] < b[j]![1]) i++;
    else j++;
  }
  return common;
}

function totalOf(gaps: readonly Gap[]): number {
  return gaps.reduce((total, [from, to]) => total + to - from, 0);
}

/** A function that was called, and what of it was not run. */
interface FunctionCalls {
  readonly key: string;
  readonly gaps: readonly Gap[];
}

/** What was run. */
export type CoverageReport = readonly FunctionCalls[];

function toCalls({ url, functions }: ScriptCoverage): FunctionCalls[] {
  const calls: FunctionCalls[] = [];
  for (const { ranges } of functions) {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) continue;
    const gaps = ranges
      .filter(({ count }) => count === 0)
      .map(({ startOffset, endOffset }): Gap => [startOffset, endOffset])
      .sort((a, b) => a[0] - b[0]);
    calls.push({ key: `${url}:${whole.startOffset}:${whole.endOffset}`, gaps });
  }
  return calls;
}

/** How much of the code has been run. */
export interface CoverageTotals {
  functions: number;
  blocks: number;
  blocksRun: number;
}

/**
 * Watches what is run. Start it before the code is loaded.
 *
 * V8 reports of each function that was called the blocks that were not; so what counts as new is a part of a function that
 * every run before passed over.
 */
export class CoverageWatcher {
  readonly #session = new Session();
  readonly #functions = new Map<string, FunctionState>();
  readonly #folder: string;

  /** @param folder - as a URL: only scripts below it count. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** What was run since the last call. */
  read(): CoverageReport {
    let report: CoverageReport = [];
    this.#session.post(
      "Profiler.takePreciseCoverage",
      (error: Error | null, { result }: { result: ScriptCoverage[] }) => {
        if (error !== null) throw error;
        report = result.filter(({ url }) => url.startsWith(this.#folder)).flatMap(toCalls);
      },
    );
    return report;
  }

  /** Whether something was run that was not before. */
  isNew(report: CoverageReport): boolean {
    return report.some(({ key, gaps }) => {
      const state = this.#functions.get(key);
      return state === undefined || totalOf(intersectGaps(state.gaps, gaps)) < totalOf(state.gaps);
    });
  }

  /** Count what was run as run. Tells whether any of it is new. */
  add(report: CoverageReport): boolean {
    const isNew = this.isNew(report);
    for (const { key, gaps } of report) {
      const state = this.#functions.get(key) ?? { gaps, blocks: new Set() };
      state.gaps = intersectGaps(state.gaps, gaps);
      for (const [from, to] of gaps) state.blocks.add(`${from}:${to}`);
      this.#functions.set(key, state);
    }
    return isNew;
  }

  totals(): CoverageTotals {
    const totals = { functions: this.#functions.size, blocks: 0, blocksRun: 0 };
    for (const { blocks, gaps } of this.#functions.values()) {
      totals.blocks += 1 + blocks.size;
      totals.blocksRun += 1;
      for (const block of blocks) {
        const [from, to] = block.split(":").map(Number) as [number, number];
        if (totalOf(intersectGaps([[from, to]], gaps)) < to - from) totals.blocksRun++;
      }
    }
    return totals;
  }
}
