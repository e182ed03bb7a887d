/**
 * The frame of the checks: what they share, and how they fail.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** What all checks get. */
export interface CheckContext {
  /** An empty folder for this check alone, removed when all is over. */
  work: string;
  /** The prepared images, by name. */
  images: readonly PreparedImage[];
}

/** An image that was unpacked by umoci from its original layers. */
export interface PreparedImage {
  name: string;
  /** OCI layout with the original layers, and the image's tag in it. */
  layout: string;
  tag: string;
  /** The root file system that umoci made of it. */
  tree: string;
}

/** One check. It throws when what it looks at is not so. */
export interface Check {
  /** What is so when it passes. */
  claim: string;
  run(context: CheckContext): Promise<void> | void;
}

const MAX_SHOWN = 20;

/** Fail when there are differences, and show the first of them. */
export function expectNone(differences: readonly string[], what: string): void {
  if (differences.length === 0) return;
  const shown = differences.slice(0, MAX_SHOWN);
  const more = differences.length - shown.length;
  throw new Error(
    [`${what}: ${differences.length} differences`, ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(
      "\n    ",
    ),
  );
}

/** Fail when two values differ. */
export function expectEqual(found: unknown, expected: unknown, what: string): void {
  if (Object.is(found, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
}

/** Make a folder in the check's own and return its path. */
export function makeFolder(context: CheckContext, name: string): string {
  const path = join(context.work, name);
  mkdirSync(path, { recursive: true });
  return path;
}
