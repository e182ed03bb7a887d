import { DeltaReader } from "../delta/index.ts";
import { errorCodeOf, errorMessageOf } from "../errors.ts";
import { systemClock } from "../net/retry.ts";
import { checkOffer, DeltaDownload, removeDownloads } from "./download.ts";
import { readInstalled, writeInstalled } from "./installed.ts";
import { checkAnswer } from "./offers.ts";
import type { UpdateOptions, UpdateResult } from "./options.ts";
import {
  Detour,
  detourAfter,
  type PersistOptions,
  persist,
  retryPolicyOf,
  type UpdateClock,
} from "./persist.ts";
import { type ResolvedPolicy, resolvePolicy } from "./policy.ts";
import { Reporter } from "./reporter.ts";
import { findRule } from "./rules.ts";
import type { SiteOptions, UpdateSession } from "./site.ts";
import type { DeltaOffer, Digest, Release, SourceOptions } from "./source.ts";
import { runWithin } from "./time-limit.ts";

const DEFAULT_READY_WITHIN_MS = 600_000;

const runtimeClock: UpdateClock = { ...systemClock, nowMs: () => performance.now() };

/**
 * Bring a device to the image that it should have: by deltas where there are any, else, and whenever they turn out to be of
 * no use, by a full pull.
 *
 * An update that was interrupted is completed first. What has been downloaded is kept in the session's work folder and gone on with, also by
 * another process. Which error leads to what is in one table, `RULES`. The target is proven by its SHA-256 before it counts; until then,
 * or in place until the delta is proven, the old image stays whole.
 *
 * ```ts
 * import { resolvePolicy, serviceSource, updateImage } from "flatdelta/update";
 * import { flatFile } from "flatdelta/update/node";
 *
 * const { done, digest } = await updateImage({
 *   current: flatFile("/data/app.flat", { inPlace: true }),
 *   wanted: "app",
 *   source: serviceSource("https://deltas.example.org", { token, readImage }),
 *   policy: resolvePolicy({ device: process.env }),
 * });
 * if (done !== "none") startImage("/data/app.flat", digest);
 * ```
 *
 * @throws {@link NetworkError} `UNAUTHORIZED`, or when the source could not be reached as often as the policy says; {@link StateError} `IN_USE`
 * while another update is under way; {@link SpaceError} `NO_SPACE`; {@link MismatchError} `TARGET_MISMATCH` when the pulled image is not
 * the release; whatever else stands in the way. A later run may succeed.
 */
export async function updateImage(options: UpdateOptions): Promise<UpdateResult> {
  options.signal?.throwIfAborted();
  const session = await options.current.open();
  try {
    return await new Update(session, options).run();
  } finally {
    await session.close();
  }
}

/** What came to be here, and what it took. */
interface Arrival {
  readonly by: "deltas" | "pull";
  readonly digest: Digest;
  readonly hopCount: number;
}

class Update {
  readonly #session: UpdateSession;
  readonly #options: UpdateOptions;
  readonly #resolved: ResolvedPolicy;
  readonly #reporter: Reporter;
  readonly #persistOptions: PersistOptions;
  readonly #sourceOptions: SourceOptions;
  readonly #siteOptions: SiteOptions;
  #downloadedBytes = 0;
  #isBeside = false;

  constructor(session: UpdateSession, options: UpdateOptions) {
    const { policy = resolvePolicy({}), onEvent, signal, clock = runtimeClock } = options;
    this.#session = session;
    this.#options = options;
    this.#resolved = policy;
    this.#reporter = new Reporter(onEvent, clock.nowMs);
    this.#persistOptions = {
      policy: policy.policy,
      reporter: this.#reporter,
      clock,
      signal,
      readyWithinMs: options.readyWithinMs ?? DEFAULT_READY_WITHIN_MS,
      whenNotReady: options.whenNotReady ?? "pull",
    };
    this.#sourceOptions = { signal, timeoutMs: policy.policy.requestTimeoutMs || undefined };
    this.#siteOptions = { signal, onProgress: this.#reporter.onProgress };
  }

  async run(): Promise<UpdateResult> {
    const reporter = this.#reporter;
    for (const warning of this.#resolved.warnings) reporter.log(warning);
    const completed = await this.#completePending();
    const basisDigest = completed ?? (await this.#session.readDigest(this.#siteOptions));
    const release = await this.#resolve();
    const isThere = await this.#isThere(release, basisDigest);
    let fallback: Detour | undefined;
    let arrival: Arrival | undefined;
    if (!isThere) {
      try {
        arrival = await this.#updateByDeltas(release, basisDigest);
      } catch (error) {
        if (!(error instanceof Detour)) throw error;
        fallback = error;
        reporter.fallback("pull", error.code, error.message);
        arrival = await this.#pull(release);
      }
    }
    await this.#tidy(release, arrival);
    const digest = arrival?.digest ?? basisDigest!;
    reporter.log(`${this.#session.place}: has ${release.identity}, flat image ${digest}`);
    reporter.progress("done", 1, 1);
    return {
      done: arrival !== undefined ? "updated" : completed !== undefined ? "resumed" : "none",
      by: arrival?.by ?? "none",
      release,
      digest,
      basisDigest,
      hopCount: arrival?.hopCount ?? 0,
      downloadedBytes: this.#downloadedBytes,
      savedBytes:
        arrival?.by === "deltas" ? Math.max(0, (release.pullBytes ?? 0) - this.#downloadedBytes) : 0,
      fallback: fallback && { code: fallback.code, reason: fallback.message },
    };
  }

  async #completePending(): Promise<Digest | undefined> {
    const session = this.#session;
    try {
      const digest = await session.resume(this.#siteOptions);
      if (digest !== undefined)
        this.#reporter.log(`${session.place}: completed the interrupted update to ${digest}`);
      return digest;
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (findRule(error, "apply", true)?.remedy !== "pull") throw error;
      this.#reporter.log(
        `the interrupted update cannot be completed, and is forgotten: ${errorMessageOf(error)}`,
      );
      await session.forgetPending();
      return undefined;
    }
  }

  #resolve(): Promise<Release> {
    const { source, wanted } = this.#options;
    this.#reporter.progress("request");
    return persist("resolve", "request", this.#persistOptions, () =>
      source.resolve(wanted, this.#sourceOptions),
    );
  }

  async #isThere(release: Release, digest: Digest | undefined): Promise<boolean> {
    if (digest === undefined) return false;
    if (release.flatDigest !== undefined) return release.flatDigest === digest;
    if (release.claimedDigest === digest) return true;
    const installed = await readInstalled(this.#session.work);
    return installed?.identity === release.identity && installed.digest === digest;
  }

  /** @throws a {@link Detour} when the image is to be pulled instead. */
  async #updateByDeltas(release: Release, basisDigest: Digest | undefined): Promise<Arrival> {
    const { policy, origins } = this.#resolved;
    if (!policy.useDeltas) throw new Detour("POLICY", `deltas are switched off (${origins.useDeltas})`);
    if (basisDigest === undefined) throw new Detour("NO_BASIS", "there is no image here yet");
    const hops = await this.#findDeltas(release, basisDigest);
    await removeDownloads(this.#session.work, hops);
    for (const [i, hop] of hops.entries()) {
      this.#reporter.hop = i + 1;
      const isLast = i === hops.length - 1;
      if (isLast || !(await this.#session.hasMade(hop))) await this.#hop(hop, isLast);
    }
    return { by: "deltas", digest: hops.at(-1)!.targetDigest, hopCount: hops.length };
  }

  async #findDeltas(release: Release, basisDigest: Digest): Promise<readonly DeltaOffer[]> {
    const { source } = this.#options;
    this.#reporter.progress("request");
    const answer = await persist("request", "request", this.#persistOptions, async () => {
      const found = await source.findDeltas(basisDigest, release, this.#sourceOptions);
      checkAnswer(found, basisDigest, release);
      return found;
    });
    const { hops } = answer;
    if (hops.length === 0) {
      throw new Detour("NO_DELTA", answer.reason ?? `${source.name} has no delta from ${basisDigest}`);
    }
    const deltaBytes = hops.reduce((sum, hop) => sum + hop.deltaBytes, 0);
    const { pullBytes } = release;
    if (pullBytes !== undefined && deltaBytes >= pullBytes) {
      throw new Detour(
        "PULL_IS_CHEAPER",
        `the delta has ${deltaBytes} bytes, a full pull takes no more than ${pullBytes}`,
      );
    }
    this.#reporter.savedBytes = pullBytes === undefined ? undefined : pullBytes - deltaBytes;
    this.#reporter.hopCount = hops.length;
    this.#reporter.log(`${hops.length === 1 ? "a delta" : `${hops.length} deltas`} of ${deltaBytes} bytes`);
    return hops;
  }

  /** Download one delta and apply it. */
  async #hop(offer: DeltaOffer, isLast: boolean): Promise<void> {
    const { source } = this.#options;
    const download = await DeltaDownload.open(this.#session.work, offer);
    try {
      let seenBytes = 0;
      const hasProgressed = (): boolean => {
        const before = seenBytes;
        seenBytes = download.movedBytes;
        return seenBytes > before;
      };
      const onBytes = (doneBytes: number): void =>
        this.#reporter.progress("download", doneBytes, offer.deltaBytes);
      await persist(
        "download",
        "download",
        this.#persistOptions,
        () => download.complete(source, { ...this.#sourceOptions, onBytes }),
        hasProgressed,
      );
      await this.#apply(offer, download, isLast);
    } finally {
      this.#downloadedBytes += download.movedBytes;
      await download.close();
    }
  }

  async #apply(offer: DeltaOffer, { file }: DeltaDownload, isLast: boolean): Promise<void> {
    const session = this.#session;
    for (;;) {
      const how = { isBeside: this.#isBeside, isLast };
      try {
        const reader = await DeltaReader.open(file);
        await reader.close();
        checkOffer(offer, reader.header);
        const { applyTimeoutMs } = this.#resolved.policy;
        return await runWithin(applyTimeoutMs, this.#options.signal, (signal) =>
          session.applyDelta(offer, file, how, { ...this.#siteOptions, signal }),
        );
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        const isBegun = await session.hasBegun();
        const rule = findRule(error, "apply", isBegun);
        if (rule === undefined) throw error;
        if (rule.remedy === "beside" && session.isInPlace && !this.#isBeside) {
          this.#reporter.fallback("beside", errorCodeOf(error), errorMessageOf(error));
          this.#isBeside = true;
          continue;
        }
        if (isBegun) await session.forgetPending();
        throw detourAfter(error, rule);
      }
    }
  }

  async #pull(release: Release): Promise<Arrival> {
    const { source } = this.#options;
    const session = this.#session;
    const reporter = this.#reporter;
    reporter.savedBytes = 0;
    reporter.hop = 0;
    reporter.hopCount = 0;
    // What they take may be the room that the image needs.
    await removeDownloads(session.work);
    const { digest } = await persist("pull", "pull", this.#persistOptions, async () => {
      reporter.progress("pull", 0, release.pullBytes);
      let pulledBytes = 0;
      const image = await source.pullImage(release, {
        ...this.#sourceOptions,
        scratch: session.scratch,
        retry: retryPolicyOf(this.#resolved.policy),
        onRetry: (error, attempt, delayMs) => reporter.attempt("pull", error, attempt, delayMs),
        onBytes: (doneBytes, totalBytes) => {
          pulledBytes = doneBytes;
          reporter.progress("pull", doneBytes, totalBytes);
        },
      });
      try {
        return await session.install(image, release.flatDigest, this.#siteOptions);
      } finally {
        this.#downloadedBytes += pulledBytes;
        await image.close();
      }
    });
    return { by: "pull", digest, hopCount: 0 };
  }

  /** Leave in the work folder only what the next run needs. */
  async #tidy({ identity, flatDigest }: Release, arrival: Arrival | undefined): Promise<void> {
    const { work } = this.#session;
    await removeDownloads(work);
    if (flatDigest !== undefined) await writeInstalled(work, undefined);
    else if (arrival !== undefined) await writeInstalled(work, { identity, digest: arrival.digest });
  }
}
