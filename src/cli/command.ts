/**
 * What a command is. The frame parses, prints and ends the process; a command only does its work and answers.
 *
 * @module
 */
import type { OnProgress } from "../io/index.ts";

/** One option, as `node:util` parses it and as help shows it. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** Stands for the value in help: `FILE`, `DIR`. */
  readonly value?: string;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The options' values by their long names. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

/** What a command may use of the process that it runs in. */
export interface CommandContext {
  readonly values: OptionValues;
  /** Aborted when the process is told to stop. */
  readonly signal: AbortSignal;
  /** Shows progress, where somebody watches. */
  readonly onProgress: OnProgress | undefined;
  /** Write a line to standard error; with `--quiet` it is dropped. */
  readonly log: (line: string) => void;
  /** Standard input, for arguments given as `-`. */
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** A value that JSON holds. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What a command found or made. */
export interface CommandResult {
  /** The object that `--json` prints; the frame adds `seconds` and `peakMemoryBytes`. */
  readonly report: Readonly<Record<string, Json>>;
  /** The same for people, as label and text. */
  readonly lines: readonly (readonly [label: string, text: string])[];
  /** What whoever uses the result should know; with `--json` under `warnings`. */
  readonly warnings?: readonly string[];
}

/** A command with all that its help shows. */
export interface Command {
  /** The arguments as help shows them, one element for each; those in brackets, at the end, may be left out. */
  readonly operands: readonly string[];
  /** What it does, in full sentences. */
  readonly description: string;
  readonly options: OptionTable;
  readonly examples: readonly (readonly [comment: string, command: string])[];
  run(operands: readonly string[], context: CommandContext): Promise<CommandResult>;
}
