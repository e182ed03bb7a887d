/** What an operation is doing, told now and then (at most once a chunk). */
export interface Progress {
  /** The phase, as a word that a person understands ("read", "match", "write", "verify"). */
  phase: string;
  /** Bytes done in this phase. */
  doneBytes: number;
  /** Bytes in this phase altogether. */
  totalBytes: number;
}

/** Receives progress. It is called synchronously and must return quickly. */
export type OnProgress = (progress: Progress) => void;
