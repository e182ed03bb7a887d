/**
 * What a thread of `createCodingThreads` runs: one encoder or decoder, segment after segment.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { EMPTY_BYTES } from "../bytes/index.ts";
import { FlatdeltaError } from "../errors.ts";
import type { EncoderSettings } from "./codec.ts";
import { getCodecById } from "./registry.ts";

/** What the thread is started with: settings make it an encoder. */
export interface CoderRole {
  codecId: number;
  settings?: EncoderSettings | undefined;
  /** What a decoder may keep, as the delta declares it. */
  memoryBytes?: number | undefined;
}

/** One segment's work. A decoder has memory to fill, `into`, which the threads share. */
export interface SegmentTask {
  bytes: Uint8Array;
  into: Uint8Array | undefined;
  basis: Uint8Array | undefined;
  /** Whether `bytes` are not a segment, but what the coder is primed with. */
  isHistory?: boolean;
}

/** The answer: an encoder's bytes, or why there are none. */
export type SegmentAnswer =
  | { bytes: Uint8Array | undefined }
  | { code: FlatdeltaError["code"] | undefined; message: string };

type Perform = (task: SegmentTask) => Promise<Uint8Array | undefined>;

function openCoder({ codecId, settings, memoryBytes }: CoderRole): Perform {
  const codec = getCodecById(codecId);
  if (settings !== undefined) {
    const encoder = codec.createEncoder(settings);
    return async ({ bytes, basis, isHistory = false }) => {
      if (!isHistory) return encoder.encode(bytes, basis);
      await encoder.prime!(bytes);
      return undefined;
    };
  }
  const decoder = codec.createDecoder(memoryBytes);
  // What is made for the first segment is made before it comes.
  if (codec.needsBasis) decoder.decode(EMPTY_BYTES, EMPTY_BYTES, EMPTY_BYTES).catch(() => {});
  return async ({ bytes, into, basis, isHistory = false }) => {
    if (isHistory) await decoder.prime!(bytes);
    else await decoder.decode(bytes, into!, basis);
    return undefined;
  };
}

function describe(error: unknown): SegmentAnswer {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof FlatdeltaError ? error.code : undefined, message };
}

function answer(result: SegmentAnswer): void {
  const moved = "bytes" in result && result.bytes !== undefined ? [result.bytes.buffer as ArrayBuffer] : [];
  parentPort?.postMessage(result, moved);
}

if (parentPort !== null) {
  const perform = openCoder(workerData as CoderRole);
  let turn: Promise<void> = Promise.resolve();
  parentPort.on("message", (task: SegmentTask) => {
    turn = turn
      .then(() => perform(task))
      // A buffer of its own: what a codec returns may be part of a larger one.
      .then((bytes) => ({ bytes: bytes?.slice() }), describe)
      .then(answer);
  });
}
