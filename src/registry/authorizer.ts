import { ErrorCode, NetworkError } from "../errors.ts";
import {
  cancelBody,
  type FetchFunction,
  type HttpOptions,
  readJson,
  sendRequest,
  showUrl,
} from "../net/index.ts";
import { parseChallenges } from "./challenge.ts";
import { basicAuthorization, type CredentialSource, type Credentials } from "./credentials.ts";

/** A registry as requests find it. */
export interface RegistryEndpoint {
  /** As references name it. */
  host: string;
  /** `https://host`. */
  origin: string;
}

interface Authorization {
  header: string;
  /** On the clock of `performance.now`, which nobody sets. */
  expiresAtMs: number;
}

const TOKEN_LIMIT_BYTES = 1 << 20;
// The default of the token protocol, and the least that clients are to reckon with.
const MIN_TOKEN_LIFETIME_SECONDS = 60;
// A token is renewed a little before its end, so that it does not end on the way.
const LIFETIME_USED = 0.9;
const CLIENT_ID = "flatdelta";

/**
 * Shows registries who asks: by the token protocol of the distribution project (a token for each set of scopes, kept until
 * it expires) or by Basic authentication, whichever the registry's answer 401 asks for.
 */
export class Authorizer {
  readonly #credentials: CredentialSource;
  readonly #http: HttpOptions;
  readonly #known = new Map<string, Authorization>();

  constructor(credentials: CredentialSource, http: HttpOptions) {
    this.#credentials = credentials;
    this.#http = http;
  }

  /** A `fetch` that authenticates to one registry, for the scopes ("repository:NAME:pull"), and to nobody else. */
  fetchFor(endpoint: RegistryEndpoint, scopes: readonly string[]): FetchFunction {
    const { fetch = globalThis.fetch } = this.#http;
    const key = [endpoint.origin, ...scopes].join(" ");
    return async (url, init) => {
      if (new URL(url).origin !== endpoint.origin) return fetch(url, init);
      const response = await fetch(url, withAuthorization(init, this.#recall(key)));
      if (response.status !== 401) return response;
      const authorization = await this.#authorize(endpoint, scopes, response.headers, init.signal);
      if (authorization === undefined) return response;
      await cancelBody(response);
      this.#known.set(key, authorization);
      return fetch(url, withAuthorization(init, authorization));
    };
  }

  #recall(key: string): Authorization | undefined {
    const known = this.#known.get(key);
    return known !== undefined && known.expiresAtMs > performance.now() ? known : undefined;
  }

  /** What the registry's challenge asks for; `undefined` when there is nothing to show. */
  async #authorize(
    endpoint: RegistryEndpoint,
    scopes: readonly string[],
    headers: Headers,
    signal: AbortSignal | null | undefined,
  ): Promise<Authorization | undefined> {
    const challenges = parseChallenges(headers.get("www-authenticate"));
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const realm = bearer?.parameters.get("realm");
    if (bearer === undefined && !challenges.some(({ scheme }) => scheme === "basic")) return undefined;
    const credentials = await this.#credentials(endpoint.host);
    if (bearer !== undefined && realm !== undefined) {
      const asked = bearer.parameters.get("scope")?.split(" ") ?? [];
      const query = new URLSearchParams();
      const service = bearer.parameters.get("service");
      if (service !== undefined) query.set("service", service);
      for (const scope of new Set([...scopes, ...asked])) if (scope !== "") query.append("scope", scope);
      return this.#getToken(parseRealm(realm, endpoint), query, credentials, signal ?? undefined);
    }
    if (credentials === undefined || !("username" in credentials)) return undefined;
    return { header: basicAuthorization(credentials), expiresAtMs: Number.POSITIVE_INFINITY };
  }

  async #getToken(
    realm: URL,
    query: URLSearchParams,
    credentials: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Authorization> {
    const askedAtMs = performance.now();
    // Whoever needs the token tries again as a whole.
    const http = { ...this.#http, signal, retry: { retries: 0 }, headers: {} };
    const response =
      credentials !== undefined && "identityToken" in credentials
        ? await sendRequest(realm, refreshRequest(http, query, credentials.identityToken))
        : await sendRequest(withQuery(realm, query), {
            ...http,
            headers: credentials === undefined ? {} : { Authorization: basicAuthorization(credentials) },
          });
    const answer = (await readJson(response, { ...http, limitBytes: TOKEN_LIMIT_BYTES })) as {
      token?: unknown;
      access_token?: unknown;
      expires_in?: unknown;
    } | null;
    const token = answer?.token ?? answer?.access_token;
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
      throw new NetworkError(
        ErrorCode.BAD_RESPONSE,
        "expected a token from the registry's token service, found none",
        {
          path: showUrl(realm),
        },
      );
    }
    const told = answer?.expires_in;
    const seconds = typeof told === "number" || typeof told === "string" ? Number(told) : 0;
    const lifetimeSeconds = Math.max(MIN_TOKEN_LIFETIME_SECONDS, Number.isFinite(seconds) ? seconds : 0);
    return { header: `Bearer ${token}`, expiresAtMs: askedAtMs + lifetimeSeconds * 1000 * LIFETIME_USED };
  }
}

function withAuthorization(init: RequestInit, authorization: Authorization | undefined): RequestInit {
  if (authorization === undefined) return init;
  const headers = new Headers(init.headers);
  headers.set("authorization", authorization.header);
  return { ...init, headers };
}

/** Where tokens are got; never over plain http for a registry that is spoken to by https. */
function parseRealm(realm: string, { host, origin }: RegistryEndpoint): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && new URL(origin).protocol === "http:");
  if (url === undefined || !isSafe || url.username !== "") {
    throw new NetworkError(
      ErrorCode.BAD_RESPONSE,
      `expected the registry to name a token service by an https URL, found ${JSON.stringify(realm.slice(0, 200))}`,
      { path: host },
    );
  }
  return url;
}

function withQuery(url: URL, query: URLSearchParams): URL {
  const whole = new URL(url);
  for (const [name, value] of query) whole.searchParams.append(name, value);
  return whole;
}

/** The request of OAuth 2 (RFC 6749, section 6), which the token protocol has for identity tokens. */
function refreshRequest(http: HttpOptions, query: URLSearchParams, identityToken: string) {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: CLIENT_ID,
    refresh_token: identityToken,
    service: query.get("service") ?? "",
    scope: query.getAll("scope").join(" "),
  });
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return { ...http, method: "POST", headers, body: form.toString(), isIdempotent: true };
}
