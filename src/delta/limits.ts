/** What a reader of deltas allows. A delta that asks for more is refused before anything is allocated or written. */
export interface DeltaLimits {
  /** Size of the target. */
  targetBytes: number;
  /** Target bytes of one window. */
  windowBytes: number;
  /** Bytes that one segment decodes to: memory, for each of three streams and two windows. */
  segmentBytes: number;
  /** What one stream's decoder keeps in memory. */
  decoderMemoryBytes: number;
}

/** The limits that hold unless the caller sets others: 1 TiB of target, 1 GiB windows, 16 MiB segments, 64 MiB decoders. */
export const DEFAULT_DELTA_LIMITS: DeltaLimits = {
  targetBytes: 2 ** 40,
  windowBytes: 2 ** 30,
  segmentBytes: 2 ** 24,
  decoderMemoryBytes: 2 ** 26,
};
