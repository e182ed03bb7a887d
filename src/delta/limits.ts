import { type ErrorCode, LimitError } from "../errors.ts";

/** What a reader of deltas allows. A delta that asks for more is refused before it is allocated or written. */
export interface DeltaLimits {
  /** Size of the target. */
  targetBytes: number;
  /**
   * How many times the size of basis and delta together the target may have, beyond {@link FREE_EXPANSION_BYTES}. Held as the
   * delta arrives: no window is made that the bytes so far do not allow.
   */
  expansion: number;
  /** Target bytes of one window. */
  windowBytes: number;
  /** Bytes that one segment decodes to: memory, for each of three streams and two windows. */
  segmentBytes: number;
  /** Bytes that all ops decode to. An op has at least one, so this bounds how many there are. */
  opBytes: number;
  /** What one stream's decoder keeps in memory. */
  decoderMemoryBytes: number;
  /** What applying in place may take on the disk: stash and spool. */
  scratchBytes: number;
  /** Memory for the plan of applying in place. */
  planBytes: number;
}

/** So much of a target may come out of nothing, whatever {@link DeltaLimits.expansion} says. */
export const FREE_EXPANSION_BYTES: number = 2 ** 30;

/**
 * The limits that hold unless the caller sets others: 64 GiB of target, 100 times basis and delta, 1 GiB windows, 16 MiB
 * segments, 1 GiB of ops, 64 MiB decoders, 64 GiB of scratch files, 256 MiB for the plan of applying in place.
 */
export const DEFAULT_DELTA_LIMITS: DeltaLimits = {
  targetBytes: 2 ** 36,
  expansion: 100,
  windowBytes: 2 ** 30,
  segmentBytes: 2 ** 24,
  opBytes: 2 ** 30,
  decoderMemoryBytes: 2 ** 26,
  scratchBytes: 2 ** 36,
  planBytes: 2 ** 28,
};

/** Hold what a delta asks for against a limit; {@link LimitError} with the code when it is over. */
export function checkDeltaLimit(
  name: keyof DeltaLimits,
  value: number,
  limit: number,
  code: ErrorCode,
): void {
  if (value <= limit) return;
  throw new LimitError(
    code,
    `the delta asks for ${name} ${value}, the limit is ${limit}; raise limits.${name} to allow it`,
    { expected: `at most ${limit}`, actual: String(value) },
  );
}
