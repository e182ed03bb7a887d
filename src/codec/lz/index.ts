/**
 * A coder for literals: matches within a window and context mixing for all that is not equal. `FORMAT.md` states it
 * exactly.
 *
 * Literals are what the basis does not have: machine code, text, anything. With effort 7 it needs 7 % fewer bytes than
 * `xz -9e` with the same window on those of a distribution's upgrade and of new packages, and 10 % fewer on 16 MiB of the
 * former; on 2 KB of source text 13 %, since nothing is spent on headers and one byte on a segment's end. Decoding makes
 * 10 MB of machine code a second and 25 MB of packages, encoding 1 to 2 MB (effort 5: a third faster, 1 to 5 % larger).
 *
 * All arithmetic is on integers, so the same bytes come out on every machine.
 *
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { growMemory, instantiateLz, type LzInstance } from "./load.ts";

/** Base-2 logarithms of the smallest and the largest window that an encoder takes. */
export const MIN_LZ_WINDOW_BITS = 15;
export const MAX_LZ_WINDOW_BITS = 25;

/** The most history that {@link LzEncoder.prime} takes, in bytes. */
export const MAX_LZ_HISTORY_BYTES = 1_048_576;

/** What is worked on at once, in bytes; no match crosses a multiple of it within a segment. */
const PIECE_BYTES = 1_048_576;

/** The model and the area for coded bytes, in bytes. */
const MODEL_BYTES = 86 * 65_536;

/** The smallest ring of a decoder: pieces are taken from it. */
const MIN_RING_BITS = 20;

/** Codes bytes segment by segment; what was learned from a segment helps the next. */
export interface LzEncoder {
  /**
   * Take bytes that the decoder knows too as if they had been coded: later segments refer to them, and the model has
   * learned from them. Only before the first segment, once.
   *
   * @param history - at most {@link MAX_LZ_HISTORY_BYTES} bytes; of a smaller window's length, the last are of use.
   */
  prime(history: Uint8Array): void;
  /**
   * Code the next segment.
   *
   * @returns the coded bytes: none for an empty segment, else at least one.
   * @throws TypeError after `close`.
   */
  encode(raw: Uint8Array): Uint8Array;
  /** Release the memory. */
  close(): void;
}

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

/** How an encoder is set up. */
export interface LzSettings {
  /** Effort from 1 (quick) to 9 (small). */
  effort: number;
  /** Base-2 logarithm of the window, {@link MIN_LZ_WINDOW_BITS} to {@link MAX_LZ_WINDOW_BITS}. */
  windowBits: number;
}

/** What a decoder for a window keeps in memory, in bytes. */
export function lzDecoderMemoryBytes(windowBits: number): number {
  return MODEL_BYTES + 2 ** Math.max(windowBits, MIN_RING_BITS);
}

/**
 * Per effort: how many strings of a tree are looked at, which length is taken at once, whether prices decide, and what a
 * literal costs beyond its bits, in 1/64 bits. The last makes decoders quicker: a bit for each makes machine code 1 % larger
 * and decode by 40 % faster.
 */
const EFFORTS: readonly (readonly [depth: number, nice: number, optimal: boolean, literalTax: number])[] = [
  [2, 16, false, 0],
  [4, 24, false, 0],
  [8, 32, false, 0],
  [16, 64, false, 0],
  [6, 48, true, 64],
  [10, 64, true, 64],
  [20, 128, true, 64],
  [48, 200, true, 32],
  [160, 273, true, 0],
];

/** Room behind the buffer's bytes, for loads of more than one. */
const BUFFER_PADDING = 64;
/** The bytes in front of the window that are kept: the model looks back at four. */
const BUFFER_MARGIN = 16;

function checkEncoder({ effort, windowBits }: LzSettings): void {
  if (
    !(windowBits >= MIN_LZ_WINDOW_BITS && windowBits <= MAX_LZ_WINDOW_BITS && Number.isInteger(windowBits))
  ) {
    throw new RangeError(
      `expected a window of ${MIN_LZ_WINDOW_BITS} to ${MAX_LZ_WINDOW_BITS} bits, got ${windowBits}`,
    );
  }
  if (EFFORTS[effort - 1] === undefined) {
    throw new RangeError(`expected an effort of 1 to ${EFFORTS.length}, got ${effort}`);
  }
}

function checkHistory(history: Uint8Array, begun: boolean): void {
  if (begun) throw new TypeError("expected history before the first segment, got it behind");
  if (history.length > MAX_LZ_HISTORY_BYTES) {
    throw new RangeError(`expected at most ${MAX_LZ_HISTORY_BYTES} bytes of history, got ${history.length}`);
  }
}

/** Gives the instance until it is closed. */
class Holder {
  #instance: LzInstance | undefined;

  constructor(instance: LzInstance) {
    this.#instance = instance;
  }

  get(): LzInstance {
    if (this.#instance === undefined)
      throw new TypeError("expected an open literal coder, this one is closed");
    return this.#instance;
  }

  close(): void {
    this.#instance = undefined;
  }
}

/** Make an encoder with a fresh model. It takes 9 times the window and 30 MB. */
export async function createLzEncoder(settings: LzSettings): Promise<LzEncoder> {
  checkEncoder(settings);
  const instance = await instantiateLz();
  const holder = new Holder(instance);
  const { windowBits } = settings;
  const [depth, nice, optimal, literalTax] = EFFORTS[settings.effort - 1]!;
  const hashBits = Math.min(Math.max(windowBits - 3, 14), 21);
  const windowBytes = 2 ** windowBits;
  const bufferBytes = windowBytes + BUFFER_MARGIN + 2 * PIECE_BYTES;
  const { kernels, coded } = instance;
  const searchBytes = 4 * 2 ** hashBits + 8 * windowBytes + BUFFER_PADDING;
  growMemory(kernels, instance.encoderEnd + searchBytes + bufferBytes + BUFFER_PADDING);
  const buffer = kernels.prepareEncoder(windowBits, hashBits, depth, nice, Number(optimal), literalTax);

  /** Bytes taken in, and which of them the buffer begins with. */
  let position = 0;
  let origin = 0;
  let begun = false;
  const take = (bytes: Uint8Array): void => {
    const memory = new Uint8Array(kernels.memory.buffer);
    if (position + bytes.length - origin > bufferBytes) {
      const next = position - windowBytes - BUFFER_MARGIN;
      memory.copyWithin(buffer, buffer + (next - origin), buffer + (position - origin));
      origin = next;
      kernels.moveBuffer(buffer - origin, windowBits);
    }
    memory.set(bytes, buffer + (position - origin));
    position += bytes.length;
  };
  return {
    prime(history) {
      holder.get();
      checkHistory(history, begun);
      begun = true;
      take(history);
      kernels.primePiece(position);
    },
    encode(raw) {
      holder.get();
      begun = true;
      if (raw.length === 0) return EMPTY_BYTES;
      const parts: Uint8Array[] = [];
      kernels.startCoder(0);
      for (let from = 0; from < raw.length; from += PIECE_BYTES) {
        take(raw.subarray(from, from + PIECE_BYTES));
        const isLast = from + PIECE_BYTES >= raw.length;
        for (let more = true; more; ) {
          kernels.rewindCoder();
          more = kernels.codePiece(position % 2 ** 32) !== 0;
          if (!more && isLast) kernels.finishCoder();
          parts.push(new Uint8Array(kernels.memory.buffer).slice(coded, coded + kernels.getCodedPosition()));
        }
      }
      return concatBytes(parts);
    },
    close: () => holder.close(),
  };
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
    growMemory(kernels, modelEnd + Math.min(ringBytes, position + bytes));
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
      kernels.rewindCoder();
    };
    fill();
    if (isFirst) kernels.startCoder(1);
    for (;;) {
      const outcome = kernels.decodePiece((position + bytes) % 2 ** 32);
      from += kernels.getCodedPosition();
      if (outcome === 2) throw corrupt("matches within what is known", "one that is not: it is damaged");
      // Zeros may be read behind the coded bytes, but not for long.
      if (from > coded.length + 3) {
        throw corrupt("more coded bytes", `the end after ${coded.length}: it is cut off or damaged`);
      }
      if (outcome === 0) return from;
      fill();
    }
  };
  const decodeInto = (coded: Uint8Array, into: Uint8Array): void => {
    holder.get();
    begun = true;
    if (into.length === 0) {
      if (coded.length > 0) throw corrupt("no coded bytes", `${coded.length}`);
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
    // The decoder is 3 bytes ahead, and the last of the coded bytes is known beforehand.
    if (used - 3 !== coded.length) {
      throw corrupt(`${used - 3} coded bytes`, `${coded.length}: it is damaged`);
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
