import type { InPlaceReads } from "./in-place-reads.ts";

/** One step of an in-place update. */
export interface PlannedStep {
  /** Which step of the target it is. */
  step: number;
  /** What must be in the stash, synced, before the first byte of the step is written. */
  stash: readonly StashedBlock[];
}

/** A block of the basis and where in the stash it is put. */
export interface StashedBlock {
  block: number;
  slot: number;
}

/**
 * The order in which the steps of an in-place update run, and what is stashed before each: the conflict graph of Burns,
 * Stockmeyer and Long ("In-Place Reconstruction of Version Differences", IEEE TKDE 15(4), 2003) over steps instead of
 * single copies. A step whose old bytes nobody waits for runs first; where all are waited for, in a cycle, the one does
 * whose stash is the smallest.
 *
 * Before a step overwrites a block that it, or one that comes later, still reads, the block is stashed: a step that is cut
 * off by a power cut finds what it reads, and runs again. A slot is free again when the last reader has run and one more
 * step has begun: then the journal knows that it is done.
 *
 * The plan follows from the reads alone, whatever machine makes it.
 */
export class InPlacePlan {
  readonly #reads: InPlaceReads;
  /** Per block: steps that have yet to read it. */
  readonly #waiting: Uint32Array;
  /** Per block, while it is stashed: its slot plus one. */
  readonly #slots: Uint32Array;
  /** Per step: how many of its blocks others have yet to read. */
  readonly #costs: Uint32Array;
  readonly #done: Uint8Array;
  readonly #queue: StepQueue;
  readonly #free: number[] = [];
  readonly #freed: number[] = [];
  #current: number | undefined;
  readonly #maxSlots: number;
  /** The turn in which each step ran, and after which each block was lost. */
  readonly #turns: Uint32Array;
  readonly #lostAt = new Map<number, number>();
  #turn = 0;
  /** Slots used so far: once all steps were taken, the size of the stash. */
  slotCount = 0;

  /** @param maxSlots - room in the stash: blocks that find none are lost to those who still wait for them. */
  constructor(reads: InPlaceReads, maxSlots: number = Number.POSITIVE_INFINITY) {
    this.#reads = reads;
    this.#maxSlots = maxSlots;
    this.#turns = new Uint32Array(reads.stepCount);
    this.#waiting = reads.readers.slice();
    this.#slots = new Uint32Array(reads.blockCount);
    this.#costs = new Uint32Array(reads.stepCount);
    this.#queue = new StepQueue(this.#costs);
    this.#done = new Uint8Array(reads.stepCount);
    const { kept, readers, selfRead } = reads;
    for (let step = 0; step < reads.stepCount; step++) {
      let isWritten = false;
      let cost = 0;
      const end = reads.firstBlockOf(step + 1);
      for (let block = reads.firstBlockOf(step); block < end; block++) {
        if (kept[block] === 1) continue;
        isWritten = true;
        if (readers[block]! > selfRead[block]!) cost++;
      }
      this.#costs[step] = cost;
      // What stays as it is needs no step.
      if (isWritten) this.#queue.push(step);
      else this.#done[step] = 1;
    }
  }

  #othersWait(block: number): boolean {
    return this.#waiting[block]! > this.#reads.selfRead[block]!;
  }

  /** Where in the stash an old block is, or `undefined` when it is still in its place. */
  slotOf(block: number): number | undefined {
    // Blocks behind the target are never stashed.
    const slot = this.#slots[block] ?? 0;
    return slot === 0 ? undefined : slot - 1;
  }

  /** How many blocks were lost so far. */
  get lostBlocks(): number {
    return this.#lostAt.size;
  }

  /** Whether a step, all being taken, did not find a block that it reads. */
  isLost(step: number, block: number): boolean {
    const turn = this.#lostAt.get(block);
    return turn !== undefined && this.#turns[step]! >= turn;
  }

  /** The next step, the one before being done. */
  next(): PlannedStep | undefined {
    this.#complete();
    const step = this.#queue.pop();
    this.#current = step;
    if (step === undefined) return undefined;
    this.#turns[step] = ++this.#turn;
    const wanted: number[] = [];
    const { kept } = this.#reads;
    const waiting = this.#waiting;
    const end = this.#reads.firstBlockOf(step + 1);
    for (let block = this.#reads.firstBlockOf(step); block < end; block++) {
      if (kept[block] === 0 && waiting[block]! > 0) wanted.push(block);
    }
    const room = this.#free.length + this.#maxSlots - this.slotCount;
    // What the fewest wait for is the cheapest to send instead.
    if (wanted.length > room) wanted.sort((a, b) => this.#waiting[b]! - this.#waiting[a]! || a - b);
    const stash: StashedBlock[] = [];
    for (const block of wanted) {
      if (stash.length >= room) {
        this.#lostAt.set(block, this.#turn);
        this.#waiting[block] = 0;
        continue;
      }
      const slot = this.#free.pop() ?? this.slotCount++;
      this.#slots[block] = slot + 1;
      stash.push({ block, slot });
    }
    // Backwards, so that blocks that follow each other find slots that do.
    while (this.#freed.length > 0) this.#free.push(this.#freed.pop()!);
    return { step, stash };
  }

  #complete(): void {
    const step = this.#current;
    if (step === undefined) return;
    this.#done[step] = 1;
    const { kept } = this.#reads;
    const blocks = this.#reads.blocksOf(step);
    const waiting = this.#waiting;
    const slots = this.#slots;
    const hasLost = this.#lostAt.size > 0;
    // By index: there are up to a million, and an iterator makes an object for each until it is compiled.
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!;
      if (kept[block] === 1 || (hasLost && this.#lostAt.has(block))) continue;
      waiting[block]!--;
      const slot = slots[block]!;
      if (slot > 0) {
        if (waiting[block] === 0) {
          slots[block] = 0;
          this.#freed.push(slot - 1);
        }
        continue;
      }
      const owner = this.#reads.stepOf(block);
      // Its own reads do not hold it up.
      if (owner === step || this.#done[owner] === 1 || this.#othersWait(block)) continue;
      this.#costs[owner]!--;
      this.#queue.cheapen(owner);
    }
  }
}

/** Steps by rising cost, and by number where that is equal: a binary heap that knows where in it each step is. */
class StepQueue {
  readonly #costs: Uint32Array;
  readonly #heap: Uint32Array;
  #size = 0;
  /** Per step: its place in the heap, plus one. */
  readonly #places: Uint32Array;

  /** @param costs - of all steps: they may fall, and are not copied. */
  constructor(costs: Uint32Array) {
    this.#costs = costs;
    this.#heap = new Uint32Array(costs.length);
    this.#places = new Uint32Array(costs.length);
  }

  #precedes(a: number, b: number): boolean {
    const [x, y] = [this.#costs[a]!, this.#costs[b]!];
    return x < y || (x === y && a < b);
  }

  #put(step: number, at: number): void {
    this.#heap[at] = step;
    this.#places[step] = at + 1;
  }

  #rise(step: number, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#precedes(step, this.#heap[parent]!)) break;
      this.#put(this.#heap[parent]!, at);
      at = parent;
    }
    this.#put(step, at);
  }

  #sink(step: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#precedes(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!this.#precedes(this.#heap[child]!, step)) break;
      this.#put(this.#heap[child]!, at);
      at = child;
    }
    this.#put(step, at);
  }

  push(step: number): void {
    this.#rise(step, this.#size++);
  }

  /** Say that the cost of a step has fallen; one that was taken already stays so. */
  cheapen(step: number): void {
    const place = this.#places[step]!;
    if (place > 0) this.#rise(step, place - 1);
  }

  /** Take the cheapest step. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const first = this.#heap[0]!;
    this.#places[first] = 0;
    const last = this.#heap[--this.#size]!;
    if (this.#size > 0) this.#sink(last);
    return first;
  }
}
