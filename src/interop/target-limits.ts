import { DEFAULT_DELTA_LIMITS } from "../delta/index.ts";

/** What a target may be made of. */
export interface TargetLimits {
  /** Size of the target. */
  targetBytes: number;
  /**
   * How many times the size of basis and delta together the target may have, beyond 1 GiB. Held as the
   * delta arrives.
   */
  expansion: number;
}

/** The limits that hold unless the caller sets others: 64 GiB, 100 times basis and delta. */
export const DEFAULT_TARGET_LIMITS: TargetLimits = {
  targetBytes: DEFAULT_DELTA_LIMITS.targetBytes,
  expansion: DEFAULT_DELTA_LIMITS.expansion,
};
