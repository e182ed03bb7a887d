/**
 * A coder for literals: matches within a window, and distributions of nibbles, mixed from several contexts, for all that is
 * not equal. `FORMAT.md` states it exactly.
 *
 * Literals are what the basis does not have: machine code, text, anything. With effort 7 it needs 5 to 6 % fewer bytes than
 * `xz -9e` with the same window on those of a distribution's upgrade and of new packages; of little source text 13 %, since
 * nothing is spent on headers and one byte on a segment's end. Decoding makes 10 to 17 MB of machine code a second and 25 to 40
 * MB of packages, encoding 1 to 2 MB.
 *
 * All arithmetic is on integers, so the same bytes come out on every machine.
 *
 * @module
 */

import { growMemory } from "../../bytes/wasm-module.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { checkHistory, Holder, PIECE_BYTES } from "./holder.ts";
import { instantiateLz, LZ_MODEL_BYTES } from "./load.ts";
import { isStored } from "./stored.ts";

export { createLzEncoder, createLzParser, type LzEncoder, type LzParser } from "./encoder.ts";
export { createLzFinder, type FoundMatches, type LzFinder } from "./finder.ts";
export { MAX_LZ_HISTORY_BYTES } from "./holder.ts";
export { type LzSettings, MAX_LZ_WINDOW_BITS, MIN_LZ_WINDOW_BITS } from "./settings.ts";

/** The smallest ring of a decoder: pieces are taken from it. */
const MIN_RING_BITS = 20;

/** Coded bytes that a decoder has read beyond the end of a segment. */
const READ_AHEAD_BYTES = 3;

/** The other side of {@link LzEncoder}: takes the segments in the order in which they were coded, each once. */
export interface LzDecoder {
  /** As in the encoder, with the same bytes. */
  prime(history: Uint8Array): void;
  /**
   * Decode the next segment.
   *
   * @param coded - all coded bytes of the segment.
   * @param rawBytes - what it decodes to, a length that the caller has checked against its limits.
   * @throws {@link FormatError} `CORRUPT_BODY` when a match reaches behind what is known, or the coded bytes end early or
   * are not used up. Damage need not be noticed, the result needs a checksum; after an error the decoder is of no more use.
   * @throws TypeError after `close`.
   */
  decode(coded: Uint8Array, rawBytes: number): Uint8Array;
  /** The same, into memory of that length, which an error may leave filled in part. */
  decodeInto(coded: Uint8Array, into: Uint8Array): void;
  /** Release the memory. */
  close(): void;
}

/** What a decoder for a window keeps in memory, in bytes. */
export function lzDecoderMemoryBytes(windowBits: number): number {
  return LZ_MODEL_BYTES + 2 ** Math.max(windowBits, MIN_RING_BITS);
}

/**
 * Make a decoder with a fresh model.
 *
 * @param windowBits - at least as many as the encoder had.
 */
export async function createLzDecoder(windowBits: number): Promise<LzDecoder> {
  const instance = await instantiateLz();
  const holder = new Holder(instance);
  const { kernels, coded: codedAt, codedBytes, modelEnd } = instance;
  const ringBytes = 2 ** Math.max(windowBits, MIN_RING_BITS);
  kernels.prepareDecoder(Math.max(windowBits, MIN_RING_BITS));

  let position = 0;
  let begun = false;
  /** The ring has as much memory as bytes were made, until all of it is in use. */
  const makeRoom = (bytes: number): Uint8Array =>
    growMemory(kernels.memory, modelEnd + Math.min(ringBytes, position + bytes));
  /** Where the `bytes` bytes from the position on are in the ring: a part up to its end, and the rest. */
  const split = (bytes: number): { at: number; first: number } => {
    const at = position % ringBytes;
    return { at: modelEnd + at, first: Math.min(bytes, ringBytes - at) };
  };
  const decodePiece = (coded: Uint8Array, used: number, bytes: number, isFirst: boolean): number => {
    const memory = makeRoom(bytes);
    let from = used;
    const fill = (): void => {
      const part = coded.subarray(from, from + codedBytes);
      memory.set(part, codedAt);
      memory.fill(0, codedAt + part.length, codedAt + codedBytes);
      kernels.setCodedPosition(0);
    };
    fill();
    if (isFirst) kernels.startCoder(1);
    for (;;) {
      const outcome = kernels.decodePiece((position + bytes) % 2 ** 32);
      from += kernels.getCodedPosition();
      if (outcome === 2) throw corrupt("matches within what is known", "one that is not: it is damaged");
      // Zeros may be read behind the coded bytes, but not for long.
      if (from > coded.length + READ_AHEAD_BYTES) {
        throw corrupt("more coded bytes", `the end after ${coded.length}: it is cut off or damaged`);
      }
      if (outcome === 0) return from;
      fill();
    }
  };
  const takeStored = (stored: Uint8Array, into: Uint8Array): void => {
    into.set(stored);
    for (let from = 0; from < stored.length; from += PIECE_BYTES) {
      const piece = stored.subarray(from, from + PIECE_BYTES);
      const memory = makeRoom(piece.length);
      const { at, first } = split(piece.length);
      memory.set(piece.subarray(0, first), at);
      memory.set(piece.subarray(first), modelEnd);
      kernels.passStored(piece.length);
      position += piece.length;
    }
  };
  const decodeInto = (coded: Uint8Array, into: Uint8Array): void => {
    holder.get();
    begun = true;
    if (into.length === 0) {
      if (coded.length > 0) throw corrupt("no coded bytes", `${coded.length}`);
      return;
    }
    if (isStored(coded.length, into.length)) {
      takeStored(coded, into);
      return;
    }
    let used = 0;
    for (let from = 0; from < into.length; from += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, into.length - from);
      used = decodePiece(coded, used, bytes, from === 0);
      const memory = new Uint8Array(kernels.memory.buffer);
      const { at, first } = split(bytes);
      into.set(memory.subarray(at, at + first), from);
      into.set(memory.subarray(modelEnd, modelEnd + bytes - first), from + first);
      position += bytes;
    }
    // The decoder is ahead, and the last of the coded bytes is known beforehand.
    if (used - READ_AHEAD_BYTES !== coded.length) {
      throw corrupt(`${used - READ_AHEAD_BYTES} coded bytes`, `${coded.length}: it is damaged`);
    }
    const end = kernels.endByte();
    if (coded.at(-1) !== end) {
      throw corrupt(`a segment that ends with ${end}`, `${coded.at(-1)}: it is damaged`);
    }
  };
  return {
    prime(history) {
      holder.get();
      checkHistory(history, begun);
      begun = true;
      const memory = makeRoom(history.length);
      memory.set(history, modelEnd);
      position = history.length;
      kernels.primePiece(position);
    },
    decode(coded, rawBytes) {
      const made = new Uint8Array(rawBytes);
      decodeInto(coded, made);
      return made;
    },
    decodeInto,
    close: () => holder.close(),
  };
}

function corrupt(expected: string, found: string): FormatError {
  return new FormatError(ErrorCode.CORRUPT_BODY, `literals: expected ${expected}, found ${found}`);
}
