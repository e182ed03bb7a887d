import type { DeltaCodec } from "../encode/index.ts";
import type { Progress } from "../io/index.ts";
import type { ImagePlaces } from "./read-release-image.ts";

/** Options of {@link createProcessMaker}. */
export interface ProcessMakerOptions extends ImagePlaces {
  /** As in `createDelta`. */
  readonly level?: number | undefined;
  readonly codec?: DeltaCodec | undefined;
  /** Threads that make one delta; one per processor core, 8 at most, unless given. */
  readonly workers?: number | undefined;
}

/** A piece of work for another process; files by their paths. */
export type MakerTask = { readonly into: string; readonly options: ProcessMakerOptions } & (
  | { readonly kind: "flatten"; readonly image: string }
  | { readonly kind: "delta"; readonly basis: string; readonly target: string }
);

/** What the other process says. */
export type MakerAnswer =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "done"; readonly result: object }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
