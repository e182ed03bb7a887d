/**
 * flatdelta on Node: read two images, make the delta between them, apply it. Everything that the main job needs, from
 * one place; the layers below are at `flatdelta/image`, `flatdelta/encode`, `flatdelta/apply` and so on, of which all
 * but `flatdelta/rootfs` and those that end in `node` run in any JavaScript runtime.
 *
 * @example
 * ```ts
 * import { applyDelta, createAtomicFile, createDelta, flattenImage, openFileSource, readImage } from "flatdelta";
 *
 * // Where images are built: what changed between two of them?
 * const [oldImage, newImage] = [await readImage("old.tar"), await readImage("new.tar")];
 * const [basis, target] = [await flattenImage(oldImage), await flattenImage(newImage)];
 * const delta = await createAtomicFile("update.delta");
 * const stats = await createDelta(basis, target, delta);
 * await delta.commit();
 * console.log(`${stats.deltaBytes} bytes instead of ${stats.targetBytes}`);
 *
 * // On the device: the old image and the delta make the new one.
 * const update = await openFileSource("update.delta");
 * const result = await createAtomicFile("new.flat");
 * await applyDelta(basis.source, update, result);
 * await result.commit();
 * ```
 *
 * @module
 */
export {
  type ApplyOptions,
  type ApplyResult,
  applyDelta,
  type InPlaceOptions,
  type InPlaceResult,
  type PendingUpdate,
} from "./apply/index.ts";
export { findPendingFileUpdate, type PatchFileOptions, patchFileInPlace } from "./apply/node.ts";
export {
  type AccountEntry,
  accountDelta,
  DEFAULT_DELTA_LIMITS,
  type DeltaAccount,
  type DeltaInfo,
  type DeltaLimits,
  type FileAccount,
  inspectDelta,
  isDelta,
} from "./delta/index.ts";
export {
  type CreateDeltaOptions,
  createDelta,
  DEFAULT_LEVEL,
  DELTA_CODECS,
  type DeltaCodec,
  type DeltaStats,
  type DeltaWorkers,
  type IndexedInput,
  type InPlaceSettings,
  type PairMatching,
} from "./encode/index.ts";
export { createWorkerPool, type WorkerPool } from "./encode/node.ts";
export * from "./errors.ts";
export {
  type FlatImage,
  flattenImage,
  type Image,
  isFlatImage,
  openFlatImage,
  verifyFlatImage,
} from "./image/index.ts";
export {
  type ReadImageOptions,
  type ReadImageStreamOptions,
  readImage,
  readImageStream,
} from "./image/node.ts";
export {
  type ByteInput,
  memorySink,
  memorySource,
  type OnProgress,
  type Progress,
  type ResumableSink,
  type Sink,
  type Source,
} from "./io/index.ts";
export {
  type AtomicFile,
  createAtomicFile,
  createResumableFile,
  type FileSource,
  fileScratch,
  openFileSource,
  type ResumableFile,
} from "./io/node.ts";
export {
  buildSignature,
  isSignature,
  readSignature,
  type Signature,
  writeSignature,
} from "./signature/index.ts";
