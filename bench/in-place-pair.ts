import { join } from "node:path";
import { flatdeltaCommand } from "./machine.ts";
import { type Measurement, measureCommands } from "./measure.ts";

const TIMEOUT_SECONDS = 1200;

/** A pair of images, flattened, and the delta between them. */
export interface InPlacePair {
  readonly name: string;
  /** Folder for what is made of them. */
  readonly work: string;
  readonly basis: string;
  readonly wanted: string;
  readonly delta: string;
}

/** Run the built CLI. */
export function runFlatdelta(...args: string[]): Promise<Measurement> {
  return measureCommands([flatdeltaCommand(...args, "--json")], TIMEOUT_SECONDS);
}

/** Run a line of shell; `$1` and the next are `args`. */
export function runShell(line: string, ...args: string[]): Promise<Measurement> {
  return measureCommands([["/bin/sh", "-ec", line, "sh", ...args]], TIMEOUT_SECONDS);
}

/** Flatten both images of a folder and make the delta. */
export async function preparePair(pairs: string, name: string, work: string): Promise<InPlacePair> {
  const [basis, wanted, delta] = ["old.flat", "new.flat", "delta"].map((file) => join(work, file)) as [
    string,
    string,
    string,
  ];
  await runFlatdelta("flatten", join(pairs, name, "old.tar"), "-o", basis);
  await runFlatdelta("flatten", join(pairs, name, "new.tar"), "-o", wanted);
  await runFlatdelta("delta", basis, wanted, "-o", delta);
  return { name, work, basis, wanted, delta };
}
