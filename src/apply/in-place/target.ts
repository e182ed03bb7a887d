import type { DeltaLimits } from "../../delta/index.ts";
import type { OnProgress, StorageFile, StorageFolder } from "../../io/index.ts";
import type { ApplyOptions } from "../apply.ts";

/** What is updated in place. Nobody else may write to any of it meanwhile. */
export interface InPlaceTarget {
  /** Holds the basis from its first byte on, and the target afterwards. */
  file: StorageFile;
  /** A folder that holds nothing else: journal, spool and stash go there. */
  scratch: StorageFolder;
  /** The file's size is not ours to change, as that of a block device. */
  hasFixedSize?: boolean | undefined;
  /** Bytes by which the file can grow, where that is other space than the scratch folder's. */
  growthBytes?: number | undefined;
}

/** Options of `applyDeltaInPlace`. */
export interface InPlaceOptions extends Pick<ApplyOptions, "segmentCoding"> {
  /** What the delta may ask for; the rest as in `DEFAULT_DELTA_LIMITS`. */
  limits?: Partial<DeltaLimits> | undefined;
  /** Aborting rejects with the signal's reason; what was begun can go on later. */
  signal?: AbortSignal | undefined;
  /** Phases: "check", "prepare", "write", "verify". */
  onProgress?: OnProgress | undefined;
}

/** What applying in place did. */
export interface InPlaceResult {
  /** `"none"`: the target was there already. `"resumed"`: an interrupted update was completed. */
  done: "applied" | "resumed" | "none";
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  /** Bytes written to the file itself, by this run. */
  writtenBytes: number;
  /** Bytes written to the stash, by this run. */
  stashedBytes: number;
  /** Sizes of the scratch files; 0 where there was nothing to do. */
  stashBytes: number;
  spoolBytes: number;
}
