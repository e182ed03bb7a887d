/** Base-2 logarithms of the smallest and the largest window that an encoder takes. */
export const MIN_LZ_WINDOW_BITS = 15;
export const MAX_LZ_WINDOW_BITS = 25;

/** How an encoder is set up. */
export interface LzSettings {
  /** Effort from 1 (quick) to 9 (small). */
  effort: number;
  /** Base-2 logarithm of the window, {@link MIN_LZ_WINDOW_BITS} to {@link MAX_LZ_WINDOW_BITS}. */
  windowBits: number;
}

/** What an effort means. */
export interface Effort {
  /** How many strings of a tree are looked at. */
  depth: number;
  /** Which length is taken at once. */
  nice: number;
  /** Whether prices decide. */
  optimal: boolean;
}

const effortOf = (depth: number, nice: number, optimal: boolean): Effort => ({ depth, nice, optimal });

const EFFORTS: readonly Effort[] = [
  effortOf(2, 16, false),
  effortOf(4, 24, false),
  effortOf(8, 32, false),
  effortOf(16, 64, false),
  effortOf(6, 48, true),
  effortOf(10, 64, true),
  effortOf(20, 128, true),
  effortOf(48, 200, true),
  effortOf(160, 273, true),
];

/** @throws RangeError when the window or the effort is out of range. */
export function resolveSettings({ effort, windowBits }: LzSettings): Effort & { hashBits: number } {
  if (
    !(windowBits >= MIN_LZ_WINDOW_BITS && windowBits <= MAX_LZ_WINDOW_BITS && Number.isInteger(windowBits))
  ) {
    throw new RangeError(
      `expected a window of ${MIN_LZ_WINDOW_BITS} to ${MAX_LZ_WINDOW_BITS} bits, got ${windowBits}`,
    );
  }
  const found = EFFORTS[effort - 1];
  if (found === undefined) {
    throw new RangeError(`expected an effort of 1 to ${EFFORTS.length}, got ${effort}`);
  }
  return { ...found, hashBits: Math.min(Math.max(windowBits - 3, 14), 21) };
}
