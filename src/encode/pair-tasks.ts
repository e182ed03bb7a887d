/**
 * What of making a delta can be done by any thread, one task after another.
 *
 * @module
 */
import { descriptorSource } from "../io/descriptor.ts";
import type { Source, SourceRange } from "../io/index.ts";
import { indexSharedPart, type MatchColumns, matchSharedPiece, type SharedPair } from "../match/index.ts";
import type { BasisRange } from "./joined-basis.ts";
import { inlinePairMatching, type Pair } from "./pair-matching.ts";
import { inlineRangeHashing } from "./range-hashing.ts";
import { inlineSketching } from "./sketch.ts";
import { hashWholeSource, type WholePass, type WholePassOptions } from "./whole-hashing.ts";

/** A file that the process holds open, on its way to another thread. */
export interface SentFile {
  descriptor: number;
  sizeBytes: number;
}

/** A source on its way to another thread: a file, or the bytes of ranges one behind the other. */
export type SentSource = SentFile | { ranges: readonly BasisRange[]; bytes: Uint8Array<ArrayBuffer> };

/** What is to be done. */
export type PairTask =
  /** Match pairs. */
  | { kind: "pairs"; target: SentSource; basis: SentSource; pairs: readonly Pair[] }
  /** Index a part of a basis; there is no answer to it but that it is done. */
  | { kind: "index"; pair: SharedPair; part: number; partBits: number }
  /** Match a piece of a target with an indexed basis. */
  | { kind: "piece"; pair: SharedPair; area: number; pieceBytes: number; pieceOffset: number }
  /** Hash a range of a file. */
  | { kind: "hash"; file: SentFile; range: SourceRange }
  /** Read all of a file. */
  | { kind: "whole"; file: SentFile; options: WholePassOptions }
  /** Sketch ranges of a file. */
  | { kind: "sketch"; file: SentFile; ranges: readonly SourceRange[] };

/** What comes of a task. */
export type PairAnswer = MatchColumns | bigint | Uint32Array[] | WholePass | undefined;

function openSent(sent: SentSource): Source {
  if ("descriptor" in sent) return descriptorSource(sent.descriptor, sent.sizeBytes);
  return {
    size: Number.MAX_SAFE_INTEGER,
    read: async (offset, into) => {
      let at = 0;
      for (const range of sent.ranges) {
        const inRange = offset - range.offset;
        if (inRange >= 0 && inRange + into.length <= range.bytes) {
          into.set(sent.bytes.subarray(at + inRange, at + inRange + into.length));
          return;
        }
        at += range.bytes;
      }
      throw new RangeError(`expected a range that was sent, got offset ${offset}, length ${into.length}`);
    },
  };
}

/** Carry out a task. */
export async function performTask(task: PairTask): Promise<PairAnswer> {
  switch (task.kind) {
    case "pairs": {
      const sources = { target: openSent(task.target), basis: openSent(task.basis) };
      return inlinePairMatching.match(sources, task.pairs);
    }
    case "piece":
      return matchSharedPiece(task.pair, task.area, task.pieceBytes, task.pieceOffset);
    case "index":
      await indexSharedPart(task.pair, task.part, task.partBits);
      return undefined;
    case "hash":
      return inlineRangeHashing.hash64(openSent(task.file), task.range);
    case "whole":
      return hashWholeSource(openSent(task.file), task.options);
    case "sketch":
      return inlineSketching.sketch(openSent(task.file), task.ranges);
  }
}
