/** The loop: change an input, run it, keep it when it reaches new code. */
import { concatBytes } from "../../src/bytes/index.ts";
import type { CoverageReport, CoverageTotals, CoverageWatcher } from "./coverage.ts";
import { mutateBytes } from "./mutate.ts";
import type { Random } from "./random.ts";
import type { FuzzTarget } from "./target.ts";

/** An input that did what it must not, and how. */
export interface Crash {
  input: Uint8Array;
  error: Error;
}

/** What a fuzzer did. */
export interface FuzzResult {
  executions: number;
  seconds: number;
  seeds: number;
  newInputs: number;
  coverage: CoverageTotals;
  crashes: Crash[];
  corpus: Uint8Array[];
}

/** Options of {@link fuzz}. */
export interface FuzzOptions {
  random: Random;
  coverage: CoverageWatcher;
  /** Stop after so many milliseconds … */
  maxMs?: number;
  /** … or executions. */
  maxExecutions?: number;
  /** Told before and after each run. */
  watch?: { begin(input: Uint8Array): void; end(): void };
}

const MAX_INPUT_BYTES = 1 << 17;
// Asking V8 what was run takes as long as many runs do, so it is asked once for so many: more, the less there is to find.
const FIRST_BATCH = 16;
const MAX_BATCH = 256;

/** Where in our code an error arose: crashes of one place are one. */
export function placeOf(error: Error): string {
  const frame = /\(?([^\s(]*\/(?:src|node_modules)\/[^\s)]*):\d+\)?/.exec(error.stack ?? "")?.[1];
  return `${error.name} ${frame ?? error.message.slice(0, 80)}`;
}

/** Run an input alone. */
export async function runInput(target: FuzzTarget, input: Uint8Array): Promise<Error | undefined> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #options: FuzzOptions;
  readonly #corpus: Uint8Array[] = [];
  readonly #crashes = new Map<string, Crash>();
  executions = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
  }

  async #run(input: Uint8Array): Promise<void> {
    const { watch } = this.#options;
    watch?.begin(input);
    const error = await runInput(this.#target, input);
    watch?.end();
    this.executions++;
    if (error === undefined) return;
    const place = placeOf(error);
    const known = this.#crashes.get(place);
    if (known !== undefined && known.input.length <= input.length) return;
    this.#crashes.set(place, { input, error });
  }

  /** Recent finds are changed more often: what they reached is least explored. */
  #choose(): Uint8Array {
    const { random } = this.#options;
    const { length } = this.#corpus;
    const recent = Math.min(length, 16);
    return this.#corpus[random.oneIn(3) ? length - 1 - random.below(recent) : random.below(length)]!;
  }

  async #make(): Promise<Uint8Array> {
    const { random } = this.#options;
    const input = this.#choose();
    let made: Uint8Array | undefined;
    if (this.#target.mutate !== undefined && !random.oneIn(3))
      made = await this.#target.mutate(input, random);
    if (made === undefined || random.oneIn(8)) {
      made = mutateBytes(made ?? input, random, this.#corpus, this.#target.dictionary);
      if (this.#target.repair !== undefined && !random.oneIn(8)) made = await this.#target.repair(made);
    }
    return made.subarray(0, MAX_INPUT_BYTES);
  }

  /** Run inputs, and tell what code they reach together. */
  async #runAll(inputs: readonly Uint8Array[]): Promise<CoverageReport> {
    for (const input of inputs) await this.#run(input);
    return this.#options.coverage.read();
  }

  /** Keep those of the inputs that reach new code, found by halving. */
  async #keepNew(inputs: readonly Uint8Array[]): Promise<void> {
    const { coverage } = this.#options;
    if (inputs.length === 1) {
      if (coverage.add(await this.#runAll(inputs))) this.#corpus.push(inputs[0]!.slice());
      return;
    }
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      if (coverage.isNew(await this.#runAll(half))) await this.#keepNew(half);
    }
  }

  async run(): Promise<FuzzResult> {
    const { coverage, maxMs = Infinity, maxExecutions = Infinity } = this.#options;
    const start = performance.now();
    const seeds = await this.#target.seeds();
    this.#corpus.push(...seeds);
    coverage.add(await this.#runAll(seeds));
    let batch = FIRST_BATCH;
    while (performance.now() - start < maxMs && this.executions < maxExecutions) {
      const inputs: Uint8Array[] = [];
      for (let i = 0; i < batch; i++) inputs.push(await this.#make());
      const report = await this.#runAll(inputs);
      if (coverage.isNew(report)) {
        await this.#keepNew(inputs);
        // Some code is run once only, whatever the input: it is new to no run alone.
        coverage.add(report);
      } else if (batch < MAX_BATCH) batch *= 2;
    }
    return {
      executions: this.executions,
      seconds: (performance.now() - start) / 1000,
      seeds: seeds.length,
      newInputs: this.#corpus.length - seeds.length,
      coverage: coverage.totals(),
      crashes: [...this.#crashes.values()],
      corpus: this.#corpus,
    };
  }
}

/** Fuzz a parser. */
export function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  return new Fuzzer(target, options).run();
}

/** The shortest input, found by leaving parts out and zeroing bytes, that still fails in the same place. */
export async function minimise(
  target: FuzzTarget,
  { input, error }: Crash,
  maxMs: number,
): Promise<Uint8Array> {
  const place = placeOf(error);
  const deadline = performance.now() + maxMs;
  let best = input;
  const accept = async (candidate: Uint8Array): Promise<boolean> => {
    const repaired = (await target.repair?.(candidate)) ?? candidate;
    for (const tried of [candidate, repaired]) {
      if (tried.length > best.length) continue;
      const found = await runInput(target, tried);
      if (found === undefined || placeOf(found) !== place) continue;
      best = tried.slice();
      return true;
    }
    return false;
  };
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.length && performance.now() < deadline; ) {
      const shorter = concatBytes([best.subarray(0, at), best.subarray(at + size)]);
      if (!(await accept(shorter))) at += size;
    }
  }
  return best;
}
