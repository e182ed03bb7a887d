/**
 * What a thread of `createCodingThreads` runs: an encoder, or one decoder or several, segment after segment.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { EMPTY_BYTES } from "../bytes/index.ts";
import { errorMessageOf, FlatdeltaError } from "../errors.ts";
import type { EncoderSettings, EncoderStages } from "./codec.ts";
import type { FoundMatches } from "./lz/finder.ts";
import type { ResidualSpans } from "./mix/index.ts";
import { getCodecById } from "./registry.ts";

/** What a coder is made with: settings make it an encoder. */
export interface CoderRole {
  codecId: number;
  settings?: EncoderSettings | undefined;
  /** Which part of the encoder; the whole unless given. */
  stage?: "finder" | "parser";
  /** What a decoder may keep, as the delta declares it. */
  memoryBytes?: number | undefined;
}

/**
 * One segment's work. A decoder has memory to fill, `into`, which the threads share; with `adds` it holds the basis bytes
 * that the segment is added to.
 */
export interface SegmentTask {
  bytes: Uint8Array;
  adds?: boolean;
  into: Uint8Array | undefined;
  basis: Uint8Array | undefined;
  /** Of a residual, where its bytes stand. */
  spans?: ResidualSpans | undefined;
  /** What the encoder's first part found. */
  found?: FoundMatches;
  /** Whether `bytes` are not a segment, but what the coder is primed with. */
  isHistory?: boolean;
}

/** What a thread is told: to open its next coder, or what one of them, counted from 0, shall do. */
export type ThreadOrder = { open: CoderRole } | { coder: number; task: SegmentTask };

/** What came out: an encoder's bytes, or what its first part found. */
export type SegmentResult = Uint8Array | FoundMatches | undefined;

/** The answer: the result, or why there is none. */
export type SegmentAnswer =
  | { result: SegmentResult }
  | { code: FlatdeltaError["code"] | undefined; message: string };

type Perform = (task: SegmentTask) => Promise<SegmentResult>;

function openStage(stage: "finder" | "parser", stages: EncoderStages, settings: EncoderSettings): Perform {
  if (stage === "finder") {
    const finder = stages.createFinder(settings);
    return async ({ bytes, isHistory = false }) => {
      if (!isHistory) return finder.find(bytes);
      await finder.prime(bytes);
      return undefined;
    };
  }
  const parser = stages.createParser(settings);
  return async ({ bytes, found, isHistory = false }) => {
    if (!isHistory) return parser.encode(bytes, found!);
    await parser.prime(bytes);
    return undefined;
  };
}

function openCoder({ codecId, settings, stage, memoryBytes }: CoderRole): Perform {
  const codec = getCodecById(codecId);
  if (stage !== undefined) return openStage(stage, codec.stages!, settings!);
  if (settings !== undefined) {
    const encoder = codec.createEncoder(settings);
    return async ({ bytes, basis, spans, isHistory = false }) => {
      if (!isHistory) return encoder.encode(bytes, basis, spans);
      await encoder.prime!(bytes);
      return undefined;
    };
  }
  const decoder = codec.createDecoder(memoryBytes);
  // What is made for the first segment is made before it comes.
  if (codec.needsBasis) decoder.decode(EMPTY_BYTES, EMPTY_BYTES, EMPTY_BYTES).catch(() => {});
  return async ({ bytes, into, basis, spans, isHistory = false, adds = false }) => {
    if (isHistory) await decoder.prime!(bytes);
    else if (adds) await decoder.addTo!(bytes, into!, spans);
    else await decoder.decode(bytes, into!, basis, spans);
    return undefined;
  };
}

function describe(error: unknown): SegmentAnswer {
  const message = errorMessageOf(error);
  return { code: error instanceof FlatdeltaError ? error.code : undefined, message };
}

function buffersOf(result: SegmentResult): ArrayBuffer[] {
  if (result === undefined) return [];
  const arrays = result instanceof Uint8Array ? [result] : result.map(({ records }) => records);
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

function answer(result: SegmentAnswer): void {
  parentPort?.postMessage(result, "result" in result ? buffersOf(result.result) : []);
}

if (parentPort !== null) {
  const coders: Perform[] = [];
  let turn: Promise<void> = Promise.resolve();
  parentPort.on("message", (order: ThreadOrder) => {
    if ("open" in order) {
      coders.push(openCoder(order.open));
      return;
    }
    const { coder, task } = order;
    turn = turn
      .then(() => coders[coder]!(task))
      // A buffer of its own: what a codec returns may be part of a larger one.
      .then((result) => ({ result: result instanceof Uint8Array ? result.slice() : result }), describe)
      .then(answer);
  });
}
