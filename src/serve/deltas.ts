import { toHex } from "../bytes/index.ts";
import { sha256 } from "../hash/index.ts";
import type { Progress } from "../io/index.ts";
import type { FlatImages } from "./images.ts";
import type { MadeDelta, Maker } from "./maker.ts";
import type { ServiceMetrics } from "./metrics.ts";
import type { JobQueue } from "./queue.ts";
import { readRecord, writeRecord } from "./records.ts";
import type { ReadyRelease } from "./releases.ts";
import type { PinnedFile, Shelf } from "./shelf.ts";
import type { ServiceStore, StoredFile } from "./store.ts";

/** A delta that was made, as the store remembers it. */
export interface DeltaRecord extends MadeDelta {
  /** Digests of the flat images that it leads from and to. */
  readonly basis: string;
  readonly target: string;
  /** Bytes of a pull of the target, if they are known. */
  readonly pullBytes?: number | undefined;
  /** Whether it is smaller than a pull; else its bytes are not kept. */
  readonly isWorthwhile: boolean;
  readonly makeSeconds: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** How far a delta is that somebody asked for. */
export type DeltaState =
  | { readonly state: "ready" | "pull-is-cheaper"; readonly delta: DeltaRecord }
  | { readonly state: "waiting" | "making"; readonly phase?: string; readonly progress: number }
  | { readonly state: "failed"; readonly retryAfterMs: number }
  | { readonly state: "refused" };

interface Job {
  progress: Progress | undefined;
  isMaking: boolean;
}

interface Failure {
  readonly count: number;
  readonly untilMs: number;
}

const FIRST_BACK_OFF_MS = 30_000;
const MAX_BACK_OFF_MS = 60 * 60_000;
// Names of failures that nobody asks for again must not fill the memory.
const MAX_FAILURES = 1_000;

const recordName = (key: string): string => `delta/${key}.json`;
const fileName = (key: string): string => `delta/${key}.delta`;

function isRecord(value: unknown): value is DeltaRecord {
  const { basis, target, digest, deltaBytes, isWorthwhile } = (value ?? {}) as Partial<DeltaRecord>;
  return (
    [basis, target, digest].every((text) => typeof text === "string") &&
    Number.isSafeInteger(deltaBytes) &&
    typeof isWorthwhile === "boolean"
  );
}

/** What the deltas need of the service. */
export interface DeltaDeskParts {
  readonly store: ServiceStore;
  readonly shelf: Shelf;
  readonly maker: Maker;
  readonly images: FlatImages;
  readonly queue: JobQueue;
  readonly metrics: ServiceMetrics;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Stands for the options that deltas are made with: others make other deltas. */
  readonly optionsTag: string;
  readonly onMade: (delta: DeltaRecord) => void;
  readonly onFailed: (basis: string, target: string, error: unknown) => void;
}

/** All deltas: each made once, however many ask for it. */
export class DeltaDesk {
  readonly #parts: DeltaDeskParts;
  readonly #records = new Map<string, DeltaRecord>();
  readonly #keyByDigest = new Map<string, string>();
  readonly #jobs = new Map<string, Job>();
  readonly #failures = new Map<string, Failure>();

  constructor(parts: DeltaDeskParts) {
    this.#parts = parts;
  }

  /** Take up what an earlier run left in the store. What is incomplete, or was made with other options, is removed. */
  async load(files: readonly StoredFile[]): Promise<void> {
    const { store, shelf } = this.#parts;
    const deltas = new Map(
      files.filter(({ name }) => /^delta\/.*\.delta$/u.test(name)).map((file) => [file.name, file]),
    );
    for (const { name } of files) {
      const key = /^delta\/([0-9a-f]+)\.json$/u.exec(name)?.[1];
      if (key === undefined) continue;
      const record = await readRecord(store, name);
      const file = deltas.get(fileName(key));
      const isUsable =
        isRecord(record) &&
        key === this.#keyOf(record.basis, record.target) &&
        (!record.isWorthwhile || file?.sizeBytes === record.deltaBytes);
      if (!isUsable) {
        await store.remove(name);
        continue;
      }
      this.#index(key, record);
      if (!record.isWorthwhile || file === undefined) continue;
      shelf.adopt(file.name, file.sizeBytes, file.usedMs);
      deltas.delete(file.name);
    }
    for (const name of deltas.keys()) await store.remove(name);
  }

  /** Forget a delta whose file was evicted. */
  async forget(name: string): Promise<void> {
    const key = /^delta\/([0-9a-f]+)\.delta$/u.exec(name)?.[1];
    const record = key === undefined ? undefined : this.#records.get(key);
    if (key === undefined || record === undefined) return;
    this.#records.delete(key);
    this.#keyByDigest.delete(record.digest);
    await this.#parts.store.remove(recordName(key));
  }

  /** The delta with this digest. */
  find(digest: string): DeltaRecord | undefined {
    return this.#records.get(this.#keyByDigest.get(digest) ?? "");
  }

  /** Open a delta's bytes; nothing when they are gone. */
  pin({ basis, target }: DeltaRecord): Promise<PinnedFile | undefined> {
    return this.#parts.shelf.pin(fileName(this.#keyOf(basis, target)));
  }

  /**
   * Ask for a delta. Who asks first has it made; nobody waits here.
   *
   * @returns how far it is; `refused` when the queue is full.
   */
  ask(basis: ReadyRelease, target: ReadyRelease): DeltaState {
    const key = this.#keyOf(basis.flatDigest, target.flatDigest);
    const delta = this.#records.get(key);
    if (delta !== undefined && (!delta.isWorthwhile || this.#parts.shelf.has(fileName(key))))
      return { state: delta.isWorthwhile ? "ready" : "pull-is-cheaper", delta };
    const job = this.#jobs.get(key);
    if (job !== undefined) return describeJob(job);
    const failure = this.#failures.get(key);
    const waitMs = (failure?.untilMs ?? 0) - this.#parts.now();
    if (waitMs > 0) return { state: "failed", retryAfterMs: waitMs };
    return this.#start(key, basis, target);
  }

  #start(key: string, basis: ReadyRelease, target: ReadyRelease): DeltaState {
    const job: Job = { progress: undefined, isMaking: false };
    const made = this.#parts.queue.add(() => this.#make(key, job, basis, target));
    if (made === undefined) return { state: "refused" };
    this.#jobs.set(key, job);
    made
      .then(
        (record) => {
          this.#failures.delete(key);
          this.#parts.onMade(record);
        },
        (error) => this.#fail(key, basis, target, error),
      )
      .finally(() => this.#jobs.delete(key));
    return describeJob(job);
  }

  async #make(key: string, job: Job, basis: ReadyRelease, target: ReadyRelease): Promise<DeltaRecord> {
    const { shelf, maker, images, signal, store, metrics, now } = this.#parts;
    signal.throwIfAborted();
    job.isMaking = true;
    const old = await images.pin(basis);
    try {
      const wanted = await images.pin(target);
      try {
        const startMs = now();
        let record: DeltaRecord | undefined;
        await shelf.put(async (draft) => {
          const onProgress = (progress: Progress): void => {
            job.progress = progress;
          };
          const made = await maker.makeDelta(old.source, wanted.source, draft, { signal, onProgress });
          const { pullBytes } = target;
          record = {
            basis: basis.flatDigest,
            target: target.flatDigest,
            ...made,
            pullBytes,
            isWorthwhile: pullBytes === undefined || made.deltaBytes < pullBytes,
            makeSeconds: (now() - startMs) / 1000,
            createdAt: new Date(now()).toISOString(),
          };
          return record.isWorthwhile ? { name: fileName(key), sizeBytes: made.deltaBytes } : undefined;
        });
        await writeRecord(store, recordName(key), record!);
        this.#index(key, record!);
        metrics.flatdelta_delta_make_seconds.observe(record!.makeSeconds);
        metrics.flatdelta_deltas_made_total.add();
        if (!record!.isWorthwhile) metrics.flatdelta_deltas_not_worthwhile_total.add();
        return record!;
      } finally {
        await wanted.release();
      }
    } finally {
      await old.release();
    }
  }

  #fail(key: string, basis: ReadyRelease, target: ReadyRelease, error: unknown): void {
    if (this.#parts.signal.aborted) return;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const backOffMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (count - 1));
    if (this.#failures.size >= MAX_FAILURES) this.#failures.delete(this.#failures.keys().next().value!);
    this.#failures.set(key, { count, untilMs: this.#parts.now() + backOffMs });
    this.#parts.metrics.flatdelta_deltas_failed_total.add();
    this.#parts.onFailed(basis.flatDigest, target.flatDigest, error);
  }

  #index(key: string, record: DeltaRecord): void {
    this.#records.set(key, record);
    if (record.isWorthwhile) this.#keyByDigest.set(record.digest, key);
  }

  #keyOf(basis: string, target: string): string {
    const text = `${basis}\n${target}\n${this.#parts.optionsTag}`;
    return toHex(sha256(new TextEncoder().encode(text)).subarray(0, 16));
  }
}

function describeJob({ isMaking, progress }: Job): DeltaState {
  if (!isMaking) return { state: "waiting", progress: 0 };
  if (progress === undefined) return { state: "making", progress: 0 };
  const { phase, doneBytes, totalBytes } = progress;
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
  return { state: "making", phase, progress: Number(share.toFixed(3)) };
}
