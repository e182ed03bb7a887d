import { concatBytes, EMPTY_BYTES } from "../../bytes/index.ts";
import type { FoundMatches } from "./finder.ts";
import { checkHistory, Holder, PIECE_BYTES } from "./holder.ts";
import { instantiateLz, type LzInstance } from "./load.ts";
import { type LzSettings, resolveSettings } from "./settings.ts";
import { canBeStored, isBetterStored } from "./stored.ts";
import { EncoderWindow } from "./window.ts";

/** Codes bytes segment by segment; what was learned from a segment helps the next. */
export interface LzEncoder {
  /**
   * Take bytes that the decoder knows too as if they had been coded: later segments refer to them, and the model has
   * learned from them. Only before the first segment, once.
   *
   * @param history - at most 2 MiB; of a smaller window's length, the last are of use.
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

/** The part of an encoder that is not an `LzFinder`: it codes the bytes that {@link LzEncoder} would. */
export interface LzParser extends Omit<LzEncoder, "encode"> {
  /** @param found - what the finder found in the same segment. */
  encode(raw: Uint8Array, found: FoundMatches): Uint8Array;
}

const NONE_FOUND: FoundMatches = [];

class Encoder implements LzEncoder, LzParser {
  readonly #holder: Holder;
  readonly #window: EncoderWindow;
  #begun = false;

  constructor(instance: LzInstance, window: EncoderWindow) {
    this.#holder = new Holder(instance);
    this.#window = window;
  }

  prime(history: Uint8Array): void {
    const { kernels } = this.#holder.get();
    checkHistory(history, this.#begun);
    this.#begun = true;
    this.#window.take(history);
    kernels.primePiece(this.#window.position);
    kernels.startReading(this.#window.position);
  }

  encode(raw: Uint8Array, found = NONE_FOUND): Uint8Array {
    const { kernels } = this.#holder.get();
    this.#begun = true;
    if (raw.length === 0) return EMPTY_BYTES;
    if (!canBeStored(raw.length)) return this.#code(raw, found);
    kernels.keepModel();
    const coded = this.#code(raw, found);
    if (!isBetterStored(coded.length, raw.length)) return coded;
    kernels.passCodedAsStored();
    return raw.slice();
  }

  #code(raw: Uint8Array, found: FoundMatches): Uint8Array {
    const { kernels, coded, codedBytes } = this.#holder.get();
    const parts: Uint8Array[] = [];
    const chunks = found[Symbol.iterator]();
    kernels.startCoder(0);
    const empty = (): void => {
      const { buffer } = kernels.memory;
      parts.push(new Uint8Array(buffer, coded, codedBytes).slice(0, kernels.getCodedPosition()));
      kernels.setCodedPosition(0);
    };
    for (let from = 0; from < raw.length; from += PIECE_BYTES) {
      this.#window.take(raw.subarray(from, from + PIECE_BYTES));
      const to = this.#window.position;
      for (;;) {
        const wanted = kernels.codePiece(to);
        if (wanted === 0) break;
        if (wanted === 1) empty();
        else this.#feed(chunks.next().value!);
      }
    }
    // A long match may have passed over what the last chunks tell. The next segment's begin where these end.
    for (const chunk of chunks) this.#feed(chunk);
    kernels.finishCoder();
    empty();
    return concatBytes(parts);
  }

  #feed({ records, to }: FoundMatches[number]): void {
    const { kernels } = this.#holder.get();
    const room = kernels.makeFoundRoom();
    new Uint8Array(kernels.memory.buffer).set(records, room);
    kernels.addFound(records.length, to);
  }

  close(): void {
    this.#holder.close();
  }
}

/** Make an encoder with a fresh model. It takes 9 times the window and 30 MB. */
export async function createLzEncoder(settings: LzSettings): Promise<LzEncoder> {
  const { hashBits, depth, nice, optimal } = resolveSettings(settings);
  const { windowBits } = settings;
  const instance = await instantiateLz();
  const { kernels } = instance;
  const buffer = kernels.prepareEncoder(windowBits, hashBits, depth, nice, Number(optimal));
  return new Encoder(instance, new EncoderWindow(kernels, buffer, windowBits));
}

/** Make the other part of an encoder. It takes the window and 15 MB. */
export async function createLzParser(settings: LzSettings): Promise<LzParser> {
  const { depth, nice, optimal } = resolveSettings(settings);
  const { windowBits } = settings;
  const instance = await instantiateLz();
  const { kernels } = instance;
  const buffer = kernels.prepareParser(windowBits, depth, nice, Number(optimal));
  return new Encoder(instance, new EncoderWindow(kernels, buffer, windowBits));
}
