/** What the fuzzer needs to know about a parser, and how a run of one is judged. */
import { isFlatdeltaError } from "../../src/errors.ts";
import type { Random } from "./random.ts";

/** A parser under test. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs to begin with. */
  seeds(): Promise<Uint8Array[]>;
  /** Bytes and texts that mean something to the parser. */
  readonly dictionary: readonly Uint8Array[];
  /** Change an input by what it means; `undefined` where that is impossible, and bytes are changed instead. */
  mutate?(input: Uint8Array, random: Random): Promise<Uint8Array | undefined>;
  /** Make checksums fit again after bytes were changed, so that what lies behind them is reached. */
  repair?(input: Uint8Array): Promise<Uint8Array>;
  /** Let the parser have an input. Rejects when it does anything that it must not. */
  run(input: Uint8Array): Promise<void>;
}

/** How an attempt ended that may fail with an error of ours only. */
export type Outcome<T> = { value: T } | { code: string };

/** Run what may fail by code. Everything else that is thrown is a finding, and passes through. */
export async function attempt<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!isFlatdeltaError(error)) throw error;
    return { code: error.code };
  }
}

/** The same for any value: what two outcomes must agree on. */
export function describeOutcome<T>(outcome: Outcome<T>, describe: (value: T) => string): string {
  return "code" in outcome ? outcome.code : describe(outcome.value);
}

/** A finding: the parser did what it must not. */
export class Finding extends Error {
  override name = "Finding";
}

/** Demand something of a parser. */
export function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Finding(message);
}

/** Demand that two descriptions of what should be the same are. */
export function demandSame(actual: string, expected: string, what: string): void {
  demand(actual === expected, `${what}: expected ${expected.slice(0, 300)}, found ${actual.slice(0, 300)}`);
}
