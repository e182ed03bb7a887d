import type { OpenStoredFile, ServiceStore, StoreDraft } from "./store.ts";

/** How much the service keeps. */
export interface ShelfLimits {
  /** Bytes of all flat images and deltas together. */
  readonly maxBytes: number;
  /** How long a file is kept that nobody uses. */
  readonly maxAgeMs: number;
}

/** A file in use: it is not evicted until it is released. */
export interface PinnedFile {
  readonly source: OpenStoredFile;
  /** Let it go. Does nothing when it is called again: an answer may break and be cancelled at the same time. */
  release(): Promise<void>;
}

interface Item {
  readonly sizeBytes: number;
  usedMs: number;
  touchedMs: number;
  pins: number;
  open: Promise<OpenStoredFile> | undefined;
}

// After a restart the order of eviction need not be right to the minute.
const TOUCH_MS = 60 * 60_000;

/**
 * The large files of a store: opened once however many read them, and evicted by size and age, the least recently used
 * first. A file that somebody reads stays.
 */
export class Shelf {
  readonly #store: ServiceStore;
  readonly #limits: ShelfLimits;
  readonly #now: () => number;
  readonly #onEvict: (name: string) => Promise<void>;
  readonly #items = new Map<string, Item>();
  #totalBytes = 0;

  constructor(
    store: ServiceStore,
    options: {
      limits: ShelfLimits;
      now: () => number;
      /** Called after a file was removed. */
      onEvict: (name: string) => Promise<void>;
    },
  ) {
    this.#store = store;
    this.#limits = options.limits;
    this.#now = options.now;
    this.#onEvict = options.onEvict;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  has(name: string): boolean {
    return this.#items.has(name);
  }

  /** Take note of a file that is in the store already. */
  adopt(name: string, sizeBytes: number, usedMs: number): void {
    this.#totalBytes += sizeBytes;
    this.#items.set(name, { sizeBytes, usedMs, touchedMs: usedMs, pins: 0, open: undefined });
  }

  /**
   * Write a file. It is there when this is fulfilled; nothing is left of it when this is rejected.
   *
   * @param write - fills the draft and says how the file is to be called, or nothing for a draft that is not kept; a file that
   * has the name stays as it is.
   */
  async put(
    write: (draft: StoreDraft) => Promise<{ name: string; sizeBytes: number } | undefined>,
  ): Promise<void> {
    const draft = await this.#store.create();
    try {
      const made = await write(draft);
      if (made === undefined || this.#items.has(made.name)) return;
      await draft.commit(made.name);
      this.adopt(made.name, made.sizeBytes, this.#now());
      await this.evict(made.name);
    } finally {
      await draft.discard();
    }
  }

  /**
   * Open a file, or share what is open already, and keep it from being evicted.
   *
   * @returns nothing when the shelf has no such file.
   */
  async pin(name: string): Promise<PinnedFile | undefined> {
    const item = this.#items.get(name);
    if (item === undefined) return undefined;
    item.pins++;
    this.#note(name, item);
    let isReleased = false;
    const release = async (): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      if (--item.pins > 0 || item.open === undefined) return;
      const open = item.open;
      item.open = undefined;
      await (await open).close();
    };
    try {
      item.open ??= this.#store.open(name);
      return { source: await item.open, release };
    } catch (error) {
      item.open = undefined;
      item.pins--;
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
      // Somebody else removed it: it is made again.
      await this.remove(name);
      return undefined;
    }
  }

  #note(name: string, item: Item): void {
    item.usedMs = this.#now();
    if (item.usedMs - item.touchedMs < TOUCH_MS) return;
    item.touchedMs = item.usedMs;
    // A time that is not noted only changes what goes first.
    this.#store.touch(name, item.usedMs).catch(() => {});
  }

  /**
   * Remove what is too old, then what is too much.
   *
   * @param kept - a file that stays, however large it is: who asked for it has not had it yet.
   */
  async evict(kept?: string): Promise<void> {
    const oldestMs = this.#now() - this.#limits.maxAgeMs;
    const byUse = [...this.#items].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [name, item] of byUse) {
      if (item.usedMs >= oldestMs && this.#totalBytes <= this.#limits.maxBytes) return;
      if (item.pins === 0 && name !== kept) await this.remove(name);
    }
  }

  /** Remove a file that nobody uses. */
  async remove(name: string): Promise<void> {
    const item = this.#items.get(name);
    if (item === undefined) return;
    this.#items.delete(name);
    this.#totalBytes -= item.sizeBytes;
    await this.#store.remove(name);
    await this.#onEvict(name);
  }
}
