import { errorCodeOf } from "../errors.ts";
import type { DeltaRouteParts } from "./delta-routes.ts";
import { DeltaDesk } from "./deltas.ts";
import { EventHub } from "./events.ts";
import { FlatImages } from "./images.ts";
import { createServiceMetrics } from "./metrics.ts";
import type { DeltaServiceOptions, fillServiceLimits } from "./options.ts";
import { JobQueue } from "./queue.ts";
import { ReleaseDesk } from "./release-desk.ts";
import type { ReleaseRouteParts } from "./release-routes.ts";
import { type ReadyRelease, ReleaseBook } from "./releases.ts";
import { Shelf } from "./shelf.ts";

/** What stands behind the answers: releases, deltas, and the work on both. */
export interface Workshop extends DeltaRouteParts, ReleaseRouteParts {
  /** Aborted when the service closes. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

// Often enough for an age of days, seldom enough to cost nothing.
const EVICTION_MS = 10 * 60_000;

/** Open the store and take up the work where an earlier run left it. */
export async function openWorkshop(
  options: DeltaServiceOptions,
  frame: { limits: ReturnType<typeof fillServiceLimits>; isPublic: boolean; now: () => number },
): Promise<Workshop> {
  const { store, maker, images: policy = {}, ahead = 1, optionsTag = "", onEvent } = options;
  const { limits, now, isPublic } = frame;
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
  const images = new FlatImages({ store, shelf, maker, queue, metrics, signal });
  const deltas: DeltaDesk = new DeltaDesk({
    ...{ store, shelf, maker, images, queue, metrics, signal, now, optionsTag },
    onMade: ({ basis, target, deltaBytes, makeSeconds, isWorthwhile }) =>
      onEvent?.({ event: "delta-made", basis, target, deltaBytes, makeSeconds, isWorthwhile }),
    onFailed: (basis, target, error) =>
      onEvent?.({ event: "delta-failed", basis, target, code: errorCodeOf(error), message: String(error) }),
  });
  const desk = new ReleaseDesk({
    ...{ store, releases, images, queue, events, signal, now, onEvent },
    onReady: makeAhead,
  });

  function makeAhead(release: ReadyRelease): void {
    for (const basis of releases.latest(release.app, ahead + 1))
      if (basis.flatDigest !== release.flatDigest) deltas.ask(basis, release);
  }

  const files = await store.list();
  await desk.load(files);
  await images.load(files, releases);
  await deltas.load(files);
  await desk.resume();
  await shelf.evict();
  const eviction = setInterval(() => void shelf.evict().catch(() => {}), EVICTION_MS);
  (eviction as { unref?: () => void }).unref?.();

  return {
    ...{ releases, deltas, events, metrics, policy, signal, isPublic },
    maxBodyBytes: limits.maxBodyBytes,
    announce: (announcement) => desk.announce(announcement),
    openImage: (release) => images.open(release),
    close: async () => {
      clearInterval(eviction);
      controller.abort(new Error("the service is closing"));
      events.close();
      await queue.idle();
    },
  };
}
