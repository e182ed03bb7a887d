import { growMemory } from "../../bytes/wasm-module.ts";
import type { OpReader, OpTotals } from "../../delta/index.ts";
import { type Hash64, isLittleEndian } from "../../hash/index.ts";
import { type PageOptions, pageSlots } from "../../io/index.ts";
import type { OpOutput, OutputBuffers } from "../output.ts";
import type { DecodedSegments } from "../prepare.ts";
import { instantiateOpKernel, type OpKernelInstance, releaseOpKernel } from "./load.ts";

// Behind each area that vectors are written to or read from.
const VECTOR_BYTES = 16;
const NUMBER_BYTES = 8;
const STATE_NUMBERS = 32;

// 2 MiB of the basis, or 16: programs of 20 to 40 MB that changed are made from many places of their predecessors in turn, so that ops read
// 220 MB of go-binary's 82 with 1 MiB, and 54 with 16. What goes through 16 MiB once takes longer than through 2, by up to a twentieth.
const PAGES = { pageBytes: 1 << 16, pages: 1 << 5, mostPages: 1 << 8 };
// A byte each, which the number of a slot fits: see `assembly/pages.ts`.
const SLOT_HINTS = 1 << 10;

/** Hands out the kernel's memory, which does not grow afterwards: views of it stay. */
class Areas {
  bytes: number;

  constructor(from: number) {
    this.bytes = from;
  }

  take(bytes: number): number {
    const at = this.bytes;
    this.bytes = Math.ceil((at + bytes + VECTOR_BYTES) / VECTOR_BYTES) * VECTOR_BYTES;
    return at;
  }
}

/** What the kernel's memory is to hold. */
export interface OpKernelSizes {
  basisBytes: number;
  outputBytes: number;
  /** All segments of one window, decoded. */
  segmentsBytes: number;
}

/**
 * Carries out in WASM what most ops of a delta are: short ones whose basis bytes are in memory. It reads ops, checks them and makes
 * their bytes, ten times as fast as {@link OpReader} and typed arrays do for a hundred bytes at a time. Where it finds anything
 * else, it leaves off, and whoever uses it goes on from there: that is also how errors are told.
 */
export class OpKernel {
  /** For pages of the basis in its memory. */
  readonly pages: PageOptions;
  /** For the target: each as large as `outputBytes` says. */
  readonly outputs: OutputBuffers;
  readonly #kernel: OpKernelInstance;
  readonly #memory: Uint8Array;
  readonly #state: Float64Array;
  readonly #segmentsAt: number;
  readonly #segmentsBytes: number;
  /** Where the segments of the present window begin. */
  #controlAt = 0;
  #dataAt = 0;
  #residualAt = 0;
  #isLoaded = false;

  private constructor(kernel: OpKernelInstance, { basisBytes, outputBytes, segmentsBytes }: OpKernelSizes) {
    const { memory, state } = kernel;
    const slots = pageSlots(basisBytes, PAGES);
    const areas = new Areas(state + STATE_NUMBERS * NUMBER_BYTES);
    const [startsAt, usesAt] = [
      areas.take(slots.count * NUMBER_BYTES),
      areas.take(slots.count * NUMBER_BYTES),
    ];
    const clockAt = areas.take(NUMBER_BYTES);
    const hintsAt = areas.take(SLOT_HINTS);
    const pagesAt = areas.take(slots.count * slots.bytes);
    const outputsAt = [areas.take(outputBytes), areas.take(outputBytes)] as const;
    this.#segmentsAt = areas.take(segmentsBytes + 2 * VECTOR_BYTES);
    this.#segmentsBytes = segmentsBytes;
    const { buffer } = growMemory(memory, areas.bytes);
    this.#kernel = kernel;
    this.#memory = new Uint8Array(buffer);
    // What comes before the pages is told to the kernel. All else is written before it is read.
    this.#memory.fill(0, state, pagesAt);
    this.#state = new Float64Array(buffer, state, STATE_NUMBERS);
    this.pages = {
      ...PAGES,
      memory: {
        bytes: new Uint8Array(buffer, pagesAt, slots.count * slots.bytes),
        starts: new Float64Array(buffer, startsAt, slots.count).fill(-1),
        uses: new Float64Array(buffer, usesAt, slots.count),
        clock: new Float64Array(buffer, clockAt, 1),
      },
    };
    this.outputs = [
      new Uint8Array(buffer, outputsAt[0], outputBytes),
      new Uint8Array(buffer, outputsAt[1], outputBytes),
    ];
    this.#state.set([basisBytes, pagesAt, slots.bytes, slots.count, startsAt, usesAt, clockAt], 10);
    this.#state.set([hintsAt, SLOT_HINTS], 23);
  }

  /** Make one; there is none on a big-endian machine. */
  static async create(sizes: OpKernelSizes): Promise<OpKernel | undefined> {
    return isLittleEndian() ? new OpKernel(await instantiateOpKernel(), sizes) : undefined;
  }

  /** Take the segments of the window whose ops follow, if they fit. Residuals must be such that they are added to basis bytes. */
  load(ops: OpReader, { data, residual }: DecodedSegments): void {
    const { control } = ops;
    this.#isLoaded = control.length + data.length + residual.length <= this.#segmentsBytes;
    if (!this.#isLoaded) return;
    this.#controlAt = this.#segmentsAt;
    this.#dataAt = this.#controlAt + control.length + VECTOR_BYTES;
    this.#residualAt = this.#dataAt + data.length + VECTOR_BYTES;
    this.#memory.set(control, this.#controlAt);
    this.#memory.set(data, this.#dataAt);
    this.#memory.set(residual, this.#residualAt);
    const state = this.#state;
    state[1] = this.#controlAt + control.length;
    state[5] = this.#dataAt + data.length;
    state[7] = this.#residualAt + residual.length;
  }

  /**
   * Carry out the next ops of the window, as far as may be; there may be none.
   *
   * @param ops - moves on behind them.
   * @param totals - counts them.
   * @returns where the page of the basis begins that is missing, or −1 when the next op is not for the kernel.
   */
  run(ops: OpReader, output: OpOutput, totals: OpTotals): number {
    if (!this.#isLoaded || !this.#holds(output.buffer) || output.room === 0) return -1;
    const state = this.#state;
    const place = ops.place;
    const left = ops.bounds.windowBytes - place.madeBytes;
    const outputAt = output.buffer.byteOffset + output.position;
    state[0] = this.#controlAt + place.controlBytes;
    state[2] = place.basisOffset;
    state[3] = left;
    state[4] = this.#dataAt + place.literalBytes;
    state[6] = this.#residualAt + place.residualBytes;
    state[8] = outputAt;
    state[9] = outputAt + output.room;
    this.#kernel.runOps();
    output.advance(state[8]! - outputAt);
    place.controlBytes = state[0]! - this.#controlAt;
    place.basisOffset = state[2]!;
    place.madeBytes += left - state[3]!;
    place.literalBytes = state[4]! - this.#dataAt;
    place.residualBytes = state[6]! - this.#residualAt;
    ops.moveTo(place);
    totals.opCount += state[17]!;
    totals.copiedBytes += state[18]!;
    totals.diffBytes += state[19]!;
    totals.literalBytes += state[20]!;
    totals.runBytes += state[21]!;
    return state[22]!;
  }

  /** Release the memory: whoever calls knows that pages and outputs are used no more. */
  close(): void {
    releaseOpKernel(this.#kernel);
  }

  #holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.#memory.buffer;
  }

  /**
   * Add residuals of the present window to bytes of an output.
   *
   * @returns whether it was done: it is not where the output is not in the kernel's memory.
   */
  tryAddResidual(bytes: Uint8Array, at: number, residualAt: number, length: number): boolean {
    if (!this.#isLoaded || !this.#holds(bytes)) return false;
    this.#kernel.addTo(bytes.byteOffset + at, this.#residualAt + residualAt, length);
    return true;
  }

  /** Begin an XXH64 of bytes in {@link outputs}, where they need not be copied to be hashed. One that was begun before is spent. */
  startHash(): Hash64 {
    const kernel = this.#kernel;
    kernel.startHash();
    return {
      update: ({ byteOffset, length }) => kernel.updateHash(byteOffset, length),
      digest: () => BigInt.asUintN(64, kernel.digestHash()),
    };
  }
}
