import { ErrorCode, isFlatdeltaError, NetworkError } from "../errors.ts";
import {
  type Clock,
  cancelBody,
  type Download,
  type DownloadOptions,
  type HttpOptions,
  openDownload,
  type RequestOptions,
  requestBytes,
  sendRequest,
  systemClock,
  withRetries,
} from "../net/index.ts";
import { Authorizer, type RegistryEndpoint } from "./authorizer.ts";
import type { CredentialSource } from "./credentials.ts";
import type { Repository } from "./reference.ts";

/** Options of {@link RegistryClient}. Those of HTTP are for every request that it sends. */
export interface RegistryOptions extends Omit<HttpOptions, "signal"> {
  /** Who asks; nobody in particular by default. `dockerCredentials` of `flatdelta/registry/node` has what `docker login` keeps. */
  credentials?: CredentialSource | undefined;
  /** Hosts (`host[:port]`) that may be spoken to by plain http. Those of this machine (`localhost`, 127.0.0.1) always may. */
  insecureHosts?: readonly string[] | undefined;
}

/** Where a request goes, and for what. */
export interface RegistryTarget {
  repository: Repository;
  /** Behind the repository's name (`manifests/latest`), or a whole URL that the registry gave. */
  path: string | URL;
  /** What the request needs to be allowed: `pull` by default. */
  actions?: "pull" | "pull,push" | undefined;
  /** Other repositories of the registry that the request reads. */
  alsoPulls?: readonly string[] | undefined;
}

/** A request to a registry. */
export type RegistryRequest = Omit<RequestOptions, "fetch">;

// Docker Hub's registry has another name than its images.
const API_HOSTS: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

/**
 * Speaks to registries by the OCI distribution specification 1.1: finds out how to reach each and how it wants to be shown
 * who asks, and remembers both. One client serves any number of registries and repositories.
 */
export class RegistryClient {
  readonly #options: RegistryOptions;
  readonly #authorizer: Authorizer;
  readonly #origins = new Map<string, string>();

  constructor(options: RegistryOptions = {}) {
    this.#options = options;
    this.#authorizer = new Authorizer(options.credentials ?? (async () => undefined), options);
  }

  /**
   * Ask a registry whether it is there and lets us in.
   *
   * @throws {@link NetworkError} as `sendRequest` does: `UNAUTHORIZED` when it wants other credentials.
   */
  async ping(host: string, signal?: AbortSignal): Promise<void> {
    const endpoint = await this.#endpointOf(host, signal);
    const fetch = this.#authorizer.fetchFor(endpoint, []);
    await cancelBody(await sendRequest(`${endpoint.origin}/v2/`, { ...this.#options, signal, fetch }));
  }

  /** Send a request. @throws as `sendRequest`. */
  async send(target: RegistryTarget, request: RegistryRequest = {}): Promise<Response> {
    const { url, fetch } = await this.#aim(target, request.signal);
    return sendRequest(url, { ...this.#options, ...request, fetch });
  }

  /** Send a request and read the answer whole. @throws as `requestBytes`. */
  async read(
    target: RegistryTarget,
    request: RegistryRequest & { limitBytes: number },
  ): Promise<{ response: Response; bytes: Uint8Array }> {
    const { url, fetch } = await this.#aim(target, request.signal);
    return requestBytes(url, { ...this.#options, ...request, fetch });
  }

  /** Begin a download. @throws as `openDownload`. */
  async download(target: RegistryTarget, options: Omit<DownloadOptions, "fetch">): Promise<Download> {
    const { url, fetch } = await this.#aim(target, options.signal);
    return openDownload(url, { ...this.#options, ...options, fetch });
  }

  /** Do something until it succeeds, as often as the policy says. */
  retry<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withRetries(attempt, { ...this.#options, signal });
  }

  /** The clock of the options. @internal */
  get clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  async #aim({ repository, path, actions = "pull", alsoPulls = [] }: RegistryTarget, signal?: AbortSignal) {
    const endpoint = await this.#endpointOf(repository.host, signal);
    const scopes = [
      `repository:${repository.repository}:${actions}`,
      ...alsoPulls.map((name) => `repository:${name}:pull`),
    ];
    const url =
      typeof path === "string" ? `${endpoint.origin}/v2/${repository.repository}/${path}` : path.href;
    return { url, fetch: this.#authorizer.fetchFor(endpoint, scopes) };
  }

  async #endpointOf(host: string, signal: AbortSignal | undefined): Promise<RegistryEndpoint> {
    let origin = this.#origins.get(host);
    if (origin === undefined) {
      origin = await this.#findOrigin(host, signal);
      this.#origins.set(host, origin);
    }
    return { host, origin };
  }

  /** By https, unless the host may be spoken to by plain http and does not answer by https. */
  async #findOrigin(host: string, signal: AbortSignal | undefined): Promise<string> {
    const secure = `https://${API_HOSTS[host] ?? host}`;
    if (!LOOPBACK.test(host) && this.#options.insecureHosts?.includes(host) !== true) return secure;
    try {
      await cancelBody(
        await sendRequest(`${secure}/v2/`, { ...this.#options, signal, retry: { retries: 0 } }),
      );
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (error.status === undefined && error.code === ErrorCode.UNREACHABLE) return `http://${host}`;
    }
    return secure;
  }
}

/** Whether an error says that the registry does not have what it was asked for. */
export function isNotFound(error: unknown): boolean {
  return isFlatdeltaError(error) && error.code === ErrorCode.NOT_FOUND;
}
