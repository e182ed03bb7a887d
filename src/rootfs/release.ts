import { close, closeSync, constants, fstatSync, openSync } from "node:fs";
import { errorCodeOf } from "../errors.ts";

/** Opens nothing for reading or writing, not even a device: only says which entry it is, and holds it. Linux's O_PATH. */
export const O_PATH = 0o10000000;

// Handles that the threads of the pool are given together; twice as many are open at most. To wake a thread for each takes as long as all
// else that is done to an entry.
const BATCH_HANDLES = 32;

// What taking a name away takes where freeing costs next to nothing: 10 to 30 µs.
const QUICK_MS = 0.05;
// A call that was interrupted says no more of the disk than this.
const SLOW_MS = 1;
// When so much time went by beyond what is quick, the disk is one of those that are told of each block.
const PATIENCE_MS = 5;

/** How long freeing has held up the calling thread. */
let lostMs = 0;
/** Handles of entries that are yet to be freed. */
let held: number[] = [];
/** Fulfilled when those that were given to the pool are closed. */
let closing: Promise<unknown> = Promise.resolve();

function closeInPool(descriptor: number): Promise<void> {
  return new Promise((resolve) => {
    close(descriptor, () => resolve());
  });
}

/** Let the pool close what is held, as soon as the batch before is closed; fulfilled then. */
async function closeHeld(): Promise<void> {
  const batch = held;
  held = [];
  const before = closing;
  closing = before.then(() => Promise.all(batch.map(closeInPool)));
  await before;
}

/** A handle of what is at a path, if that is a folder or a file with no other name. */
function holdLast(path: Buffer): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const stats = fstatSync(descriptor);
  if (stats.isDirectory() || (stats.isFile() && stats.nlink === 1)) return descriptor;
  closeSync(descriptor);
  return undefined;
}

function changeAtOnce(change: () => void): void {
  const began = performance.now();
  change();
  lostMs = Math.max(0, lostMs + Math.min(performance.now() - began, SLOW_MS) - QUICK_MS);
}

/**
 * Take an entry's last name away by `change`, and, where the disk turns out to be slow, let another thread free it: who closes its last
 * handle does so. That takes up to a millisecond where the disk is told which blocks it may forget; elsewhere less than to have it done.
 *
 * @param path - of the entry; there may be none.
 */
export async function releaseEntry(path: Buffer, change: () => void): Promise<void> {
  if (lostMs < PATIENCE_MS) return changeAtOnce(change);
  const descriptor = holdLast(path);
  try {
    change();
  } finally {
    if (descriptor !== undefined) held.push(descriptor);
  }
  if (held.length >= BATCH_HANDLES) await closeHeld();
}

/** Wait until all that was let go of is freed. */
export async function waitForReleases(): Promise<void> {
  await closeHeld();
  await closing;
  lostMs = 0;
}
