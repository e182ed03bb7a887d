import { ErrorCode, ImageError, NetworkError } from "../errors.ts";
import { digestSource, isDigest } from "../image/digest.ts";
import { type Image, readDockerArchive } from "../image/index.ts";
import {
  type FetchFunction,
  type HttpOptions,
  openDownload,
  readJson,
  sendRequest,
  showUrl,
} from "../net/index.ts";
import type {
  DeltaAnswer,
  DeltaOffer,
  Digest,
  PullOptions,
  Release,
  SourceOptions,
  UpdateSource,
} from "./source.ts";

/** Options of {@link serviceSource}. */
export interface ServiceSourceOptions {
  /** Bearer token, where the service wants one. */
  token?: string | undefined;
  /**
   * Reads an image by its name (`docker://…`), for full pulls from the registry that a release names. Without it the service
   * is asked for the flat image.
   */
  readImage?: ((name: string, options: PullOptions) => Promise<Image>) | undefined;
  /** In place of the runtime's `fetch`. */
  fetch?: FetchFunction | undefined;
}

/** What says that a delta, or the image behind a release, is still being made: gateways before the service time out. */
const NOT_READY = [202, 502, 504] as const;

const MAX_ANSWER_BYTES = 1 << 22;
const PAGE_RELEASES = 1000;
const FOR_EVER_MS = 2 ** 31 - 1;

type Json = Readonly<Record<string, unknown>>;

/**
 * A delta service (`flatdelta serve`, docs/SERVICE.md) as the source of updates. Wanted is `APP`, its latest release, or
 * `APP:VERSION`.
 *
 * ```ts
 * const source = serviceSource("https://deltas.example.org", { token: process.env.FLATDELTA_TOKEN });
 * ```
 *
 * @throws TypeError for what is no URL.
 */
export function serviceSource(url: string | URL, options: ServiceSourceOptions = {}): UpdateSource {
  return new ServiceSource(new URL(url), options);
}

class ServiceSource implements UpdateSource {
  readonly name: string;
  readonly #base: URL;
  readonly #options: ServiceSourceOptions;

  constructor(base: URL, options: ServiceSourceOptions) {
    this.name = showUrl(base);
    this.#base = base;
    this.#options = options;
  }

  async resolve(wanted: string, options: SourceOptions): Promise<Release> {
    const colon = wanted.indexOf(":");
    if (colon < 0)
      return parseRelease(await this.#get(`v1/apps/${encodeURIComponent(wanted)}/latest`, options));
    return this.#findVersion(wanted.slice(0, colon), wanted.slice(colon + 1), options);
  }

  async #findVersion(app: string, version: string, options: SourceOptions): Promise<Release> {
    for (let after = 0; ; ) {
      const query = `app=${encodeURIComponent(app)}&after=${after}&limit=${PAGE_RELEASES}`;
      const { releases } = await this.#get(`v1/releases?${query}`, options);
      if (!Array.isArray(releases)) throw badAnswer("a list of releases", typeof releases);
      const found = (releases as (Json | null)[]).find((release) => release?.version === version);
      if (found) return parseRelease(found);
      const last = countOf((releases.at(-1) as Json | null | undefined)?.sequence);
      if (releases.length < PAGE_RELEASES || last === undefined || last <= after) {
        throw new NetworkError(
          ErrorCode.NOT_FOUND,
          `expected a release ${version} of ${app}, the service has none that is ready`,
          { path: this.name },
        );
      }
      after = last;
    }
  }

  async findDeltas(basisDigest: Digest, release: Release, options: SourceOptions): Promise<DeltaAnswer> {
    const query = `src=${basisDigest}&dest=${release.flatDigest}`;
    // Refusals say why, in JSON.
    const answer = await this.#get(`v1/delta/info?${query}`, options, [404, 422]);
    if (typeof answer.code === "string")
      return {
        hops: [],
        reason: `${typeof answer.message === "string" ? answer.message : "no delta"} (${answer.code})`,
      };
    if (answer.state === "pull-is-cheaper") return { hops: [], reason: "a full pull is cheaper" };
    const { basis, target, digest, deltaBytes } = answer;
    const hop = { basisDigest: basis, targetDigest: target, deltaDigest: digest, deltaBytes };
    return { hops: [{ ...hop, location: `v1/delta?${query}` } as DeltaOffer] };
  }

  openDelta(offer: DeltaOffer, offset: number, options: SourceOptions) {
    return openDownload(this.#url(offer.location), {
      ...this.#http(options),
      offset,
      validator: `"${offer.deltaDigest}"`,
      expectedBytes: offer.deltaBytes,
      notReady: NOT_READY,
    });
  }

  async pullImage({ location, flatDigest, flatBytes }: Release, options: PullOptions): Promise<Image> {
    const { readImage } = this.#options;
    if (readImage !== undefined && location?.startsWith("docker://")) return readImage(location, options);
    const { signal, retry, onRetry, onBytes } = options;
    const download = await openDownload(this.#url(`v1/images/${flatDigest}`), {
      ...this.#http(options),
      retry,
      onRetry,
      expectedBytes: flatBytes,
      notReady: NOT_READY,
    });
    const scratch = await options.scratch();
    try {
      let doneBytes = 0;
      for await (const piece of download) {
        await scratch.write(piece);
        doneBytes += piece.length;
        onBytes?.(doneBytes, flatBytes ?? doneBytes);
      }
      const source = await scratch.finish();
      const actual = await digestSource(source, { signal });
      if (actual !== flatDigest) {
        throw new ImageError(
          ErrorCode.DIGEST_MISMATCH,
          `expected the flat image ${flatDigest}, the service gave ${actual}`,
          { expected: String(flatDigest), actual },
        );
      }
      const image = await readDockerArchive(source, { signal });
      const close = async (): Promise<void> => {
        await image.close();
        await scratch.release();
      };
      return { ...image, close };
    } catch (error) {
      await scratch.release();
      throw error;
    }
  }

  #url(path: string): URL {
    const base = this.#base.href.replace(/\/*$/u, "/");
    return new URL(path, base);
  }

  #http({
    signal,
    timeoutMs = FOR_EVER_MS,
  }: SourceOptions): HttpOptions & { headers: Record<string, string> } {
    const { token, fetch } = this.#options;
    return {
      fetch,
      signal,
      headersTimeoutMs: timeoutMs,
      stallTimeoutMs: timeoutMs,
      // The update decides when to try again.
      retry: { retries: 0 },
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    };
  }

  async #get(path: string, options: SourceOptions, alsoAccept: readonly number[] = []): Promise<Json> {
    const http = this.#http(options);
    const response = await sendRequest(this.#url(path), { ...http, alsoAccept, notReady: NOT_READY });
    const answer = await readJson(response, { ...http, limitBytes: MAX_ANSWER_BYTES });
    if (typeof answer !== "object" || answer === null || Array.isArray(answer))
      throw badAnswer("a JSON object", Array.isArray(answer) ? "an array" : typeof answer);
    return answer as Json;
  }
}

function badAnswer(expected: string, actual: string): NetworkError {
  return new NetworkError(ErrorCode.BAD_RESPONSE, `expected ${expected} of the service, found ${actual}`, {
    expected,
    actual,
  });
}

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

function parseRelease({ app, version, image, flatDigest, flatBytes, pullBytes }: Json): Release {
  if (typeof app !== "string" || typeof version !== "string" || !isDigest(flatDigest))
    throw badAnswer(
      "a release with app, version and flatDigest",
      JSON.stringify({ app, version, flatDigest }),
    );
  return {
    identity: `${app}:${version}`,
    flatDigest,
    flatBytes: countOf(flatBytes),
    pullBytes: countOf(pullBytes) ?? countOf(flatBytes),
    location: typeof image === "string" ? image : undefined,
  };
}
