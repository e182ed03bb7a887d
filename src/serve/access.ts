import { sha256 } from "../hash/index.ts";
import { Problem, retryAfter } from "./problem.ts";

/** What a token allows: `read` deltas and releases; `write` announces releases, and reads. */
export type Right = "read" | "write";

/** A bearer token and what it allows. */
export interface AccessToken {
  readonly token: string;
  readonly right: Right;
}

interface KnownToken {
  readonly digest: Uint8Array;
  readonly right: Right;
}

const MIN_TOKEN_LENGTH = 16;

const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Equal in a time that depends on nothing but the length. */
function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}

/** Who may do what. Tokens are kept and compared as digests. */
export class AccessControl {
  readonly #tokens: readonly KnownToken[];
  /** Whether reading needs a token: as soon as there is one that only reads. */
  readonly isReadingProtected: boolean;

  /** @throws RangeError for a token shorter than 16 characters, or with characters that a header cannot carry. */
  constructor(tokens: readonly AccessToken[]) {
    this.#tokens = tokens.map(({ token, right }, place) => {
      if (token.length < MIN_TOKEN_LENGTH || !/^[\x21-\x7e]+$/u.test(token)) {
        throw new RangeError(
          `tokens: expected at least ${MIN_TOKEN_LENGTH} printable ASCII characters without spaces in token ${place + 1}`,
        );
      }
      return { digest: sha256(encodeText(token)), right };
    });
    this.isReadingProtected = this.#tokens.some(({ right }) => right === "read");
  }

  /**
   * Check that a request has the right it needs.
   *
   * @throws {@link Problem} `UNAUTHORIZED` (401) without a token that is known, `FORBIDDEN` (403) when it allows less.
   */
  check(headers: Headers, right: Right | undefined): void {
    const needed = right === "write" || (right === "read" && this.isReadingProtected);
    if (!needed) return;
    const found = this.#find(headers.get("authorization"));
    if (found === undefined) {
      throw new Problem(401, "UNAUTHORIZED", "expected a bearer token that this service knows", {
        headers: { "www-authenticate": 'Bearer realm="flatdelta"' },
      });
    }
    if (right === "write" && found.right !== "write")
      throw new Problem(
        403,
        "FORBIDDEN",
        "expected a token that may announce releases, this one may only read",
      );
  }

  #find(header: string | null): KnownToken | undefined {
    const token = /^Bearer +([\x21-\x7e]{1,4096}) *$/iu.exec(header ?? "")?.[1];
    if (token === undefined) return undefined;
    const digest = sha256(encodeText(token));
    let found: KnownToken | undefined;
    // All of them, whichever fits: the time tells nothing of the place in the list.
    for (const known of this.#tokens) if (equalInConstantTime(known.digest, digest)) found = known;
    return found;
  }
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

// A flood from many addresses must not fill the memory; who is forgotten begins with a full bucket.
const MAX_CLIENTS = 10_000;

/** A bound on what one client may ask for: a bucket of requests that fills at a steady rate. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param perMinute - requests that a client may make in a minute, and at once. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** @throws {@link Problem} `TOO_MANY_REQUESTS` (429), with the time until the next one is allowed. */
  take(client: string, nowMs: number): void {
    const perMs = this.#perMinute / 60_000;
    const old = this.#buckets.get(client);
    const tokens =
      old === undefined
        ? this.#perMinute
        : Math.min(this.#perMinute, old.tokens + Math.max(0, nowMs - old.filledMs) * perMs);
    // Moved to the end: the first of the map is the one that was away for longest.
    this.#buckets.delete(client);
    if (this.#buckets.size >= MAX_CLIENTS) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(client, { tokens: Math.max(0, tokens - 1), filledMs: nowMs });
    if (tokens < 1) {
      throw new Problem(429, "TOO_MANY_REQUESTS", `expected at most ${this.#perMinute} requests a minute`, {
        headers: retryAfter((1 - tokens) / perMs),
      });
    }
  }
}
