import type { DeltaRouteParts } from "./delta-routes.ts";
import { DeltaDesk } from "./deltas.ts";
import { EventHub } from "./events.ts";
import { FlatImages, imageFileName } from "./images.ts";
import type { FlattenedRelease } from "./maker.ts";
import { createServiceMetrics } from "./metrics.ts";
import type { DeltaServiceOptions, fillServiceLimits } from "./options.ts";
import { Problem } from "./problem.ts";
import { JobQueue } from "./queue.ts";
import { readRecord, writeRecord } from "./records.ts";
import type { ReleaseRouteParts } from "./release-routes.ts";
import {
  type Announcement,
  isReady,
  type ReadyRelease,
  type Release,
  ReleaseBook,
  releaseId,
} from "./releases.ts";
import { Shelf } from "./shelf.ts";
import type { StoredFile } from "./store.ts";

/** What stands behind the answers: releases, deltas, and the work on both. */
export interface Workshop extends DeltaRouteParts, ReleaseRouteParts {
  /** Aborted when the service closes. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

// Often enough for an age of days, seldom enough to cost nothing.
const EVICTION_MS = 10 * 60_000;

function isRelease(value: unknown): value is Release {
  const { id, app, version, image, state } = (value ?? {}) as Partial<Release>;
  return [id, app, version, image, state].every((text) => typeof text === "string");
}

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "UNEXPECTED";
};

/** Open the store and take up the work where an earlier run left it. */
export async function openWorkshop(
  options: DeltaServiceOptions,
  frame: { limits: ReturnType<typeof fillServiceLimits>; isPublic: boolean; now: () => number },
): Promise<Workshop> {
  const { store, maker, images: policy = {}, ahead = 1, optionsTag = "", onEvent } = options;
  const { limits, now } = frame;
  const controller = new AbortController();
  const { signal } = controller;
  const releases = new ReleaseBook();
  const queue = new JobQueue(limits.maxJobs, limits.maxWaitingJobs);
  const events = new EventHub({
    maxListeners: limits.maxListeners,
    maxPerClient: limits.maxListenersPerClient,
    heartbeatMs: limits.heartbeatMs,
  });
  const metrics = createServiceMetrics({
    queued: () => queue.waiting,
    running: () => queue.running,
    listeners: () => events.size,
    storedBytes: () => shelf.totalBytes,
  });
  const shelf = new Shelf(store, {
    limits: { maxBytes: limits.maxStoreBytes, maxAgeMs: limits.maxAgeMs },
    now,
    onEvict: async (name) => {
      metrics.flatdelta_evicted_total.add();
      onEvent?.({ event: "evicted", name });
      await deltas.forget(name);
    },
  });
  const images = new FlatImages({ shelf, maker, metrics, signal });
  const deltas: DeltaDesk = new DeltaDesk({
    ...{ store, shelf, maker, images, queue, metrics, signal, now, optionsTag },
    onMade: ({ basis, target, deltaBytes, makeSeconds, isWorthwhile }) =>
      onEvent?.({ event: "delta-made", basis, target, deltaBytes, makeSeconds, isWorthwhile }),
    onFailed: (basis, target, error) =>
      onEvent?.({ event: "delta-failed", basis, target, code: codeOf(error), message: String(error) }),
  });

  /** Keep a release's new state, in memory even where it cannot be written. */
  async function save(release: Release): Promise<void> {
    releases.set(release);
    await writeRecord(store, `release/${release.id}.json`, release);
  }

  async function readImage(release: Release): Promise<void> {
    try {
      signal.throwIfAborted();
      const flattened = await images.read(release.image);
      await becomeReady(release, flattened);
    } catch (error) {
      if (signal.aborted) return;
      const { app, version } = release;
      onEvent?.({ event: "release-failed", app, version, code: codeOf(error), message: String(error) });
      await save({ ...release, state: "failed", error: codeOf(error) });
    }
  }

  let turn: Promise<void> = Promise.resolve();
  /** One after another, so that numbers rise in the order in which releases are seen and survive. */
  function becomeReady(release: Release, flattened: FlattenedRelease): Promise<void> {
    const done = turn.then(async () => {
      const ready: ReadyRelease = {
        ...release,
        ...flattened,
        state: "ready",
        sequence: releases.nextSequence,
      };
      await writeRecord(store, `release/${ready.id}.json`, ready);
      releases.set(ready);
      const { app, version, flatDigest } = ready;
      onEvent?.({ event: "release-ready", app, version, flatDigest });
      events.publish(ready);
      makeAhead(ready);
    });
    turn = done.catch(() => {});
    return done;
  }

  function makeAhead(release: ReadyRelease): void {
    for (const basis of releases.latest(release.app, ahead + 1))
      if (basis.flatDigest !== release.flatDigest) deltas.ask(basis, release);
  }

  async function announce(announcement: Announcement): Promise<Release | undefined> {
    const id = releaseId(announcement.app, announcement.version);
    const known = releases.get(id);
    if (known !== undefined && known.image !== announcement.image && known.state !== "failed")
      throw new Problem(409, "RELEASE_EXISTS", "this version of the app was announced with another image");
    if (known !== undefined && known.state !== "failed") return known;
    const release: Release = {
      id,
      ...announcement,
      state: "reading",
      createdAt: new Date(now()).toISOString(),
    };
    try {
      await save(release);
    } catch (error) {
      releases.set({ ...release, state: "failed", error: codeOf(error) });
      throw error;
    }
    return (await startReading(release)) ? releases.get(id) : undefined;
  }

  /** @returns whether there was room for it. */
  async function startReading(release: Release): Promise<boolean> {
    const reading = queue.add(() => readImage(release));
    reading?.catch(() => {});
    if (reading === undefined) await save({ ...release, state: "failed", error: "QUEUE_FULL" });
    return reading !== undefined;
  }

  const reopening = new Set<string>();
  async function openImage(release: ReadyRelease) {
    const { flatDigest } = release;
    if (shelf.has(imageFileName(flatDigest))) return images.pin(release);
    if (reopening.has(flatDigest)) return undefined;
    const reading = queue.add(async () => (await images.pin(release)).release());
    if (reading === undefined) return undefined;
    reopening.add(flatDigest);
    reading.catch(() => {}).finally(() => reopening.delete(flatDigest));
    return undefined;
  }

  async function load(): Promise<void> {
    const files = await store.list();
    const found: Release[] = [];
    for (const { name } of files) {
      if (!/^release\/[0-9a-f]+\.json$/u.test(name)) continue;
      const release = await readRecord(store, name);
      if (isRelease(release)) found.push(release);
    }
    found.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
    for (const release of found) releases.set(release);
    for (const file of files) await adoptImage(file);
    await deltas.load(files.filter(({ name }) => name.startsWith("delta/")));
    for (const release of found)
      if (!isReady(release) && release.state === "reading") await startReading(release);
    await shelf.evict();
  }

  async function adoptImage({ name, sizeBytes, usedMs }: StoredFile): Promise<void> {
    const hex = /^image\/([0-9a-f]{64})\.flat$/u.exec(name)?.[1];
    if (hex === undefined) return;
    const release = releases.find({ digest: `sha256:${hex}` });
    if (release?.flatBytes === sizeBytes) shelf.adopt(name, sizeBytes, usedMs);
    else await store.remove(name);
  }

  await load();
  const eviction = setInterval(() => void shelf.evict().catch(() => {}), EVICTION_MS);
  (eviction as { unref?: () => void }).unref?.();

  return {
    ...{ releases, deltas, events, metrics, policy, announce, openImage, signal },
    maxBodyBytes: limits.maxBodyBytes,
    isPublic: frame.isPublic,
    close: async () => {
      clearInterval(eviction);
      controller.abort(new Error("the service is closing"));
      events.close();
      await queue.idle();
    },
  };
}
