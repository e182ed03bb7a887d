/**
 * What a request is refused with. Devices decide by `code`; the message is for people and names nothing of the machine.
 */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly code: ServiceCode;
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the JSON answer. */
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    status: number,
    code: ServiceCode,
    message: string,
    more: {
      headers?: Readonly<Record<string, string>>;
      details?: Readonly<Record<string, string | number>>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.details = more.details ?? {};
  }
}

/** The stable codes of the service's answers. docs/SERVICE.md says what each asks of a device. */
export type ServiceCode =
  | "BAD_REQUEST"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "NO_BASIS"
  | "NO_TARGET"
  | "METHOD_NOT_ALLOWED"
  | "RELEASE_EXISTS"
  | "PRECONDITION_FAILED"
  | "TOO_LARGE"
  | "RANGE_NOT_SATISFIABLE"
  | "PULL_IS_CHEAPER"
  | "NOT_READY"
  | "TOO_MANY_REQUESTS"
  | "TOO_MANY_LISTENERS"
  | "QUEUE_FULL"
  | "CLOSING"
  | "FAILED"
  | "INTERNAL";

/** `Retry-After` in whole seconds, one at least. */
export function retryAfter(delayMs: number): Record<string, string> {
  return { "retry-after": String(Math.max(1, Math.ceil(delayMs / 1000))) };
}

/** A JSON answer. */
export function jsonResponse(
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...headers,
    },
  });
}

/** The answer that refuses a request. */
export function problemResponse({ status, code, message, headers, details }: Problem): Response {
  return jsonResponse({ code, message, ...details }, { status, headers });
}
