import { Problem } from "./problem.ts";

const MAX_QUERY_VALUE = 512;

/** A request on its way to its answer. */
export interface RequestContext {
  readonly request: Request;
  readonly url: URL;
  /** What the parentheses in the route's pattern found. */
  readonly pathParts: readonly string[];
  /** Stands for who asks, in limits: the address. */
  readonly client: string;
}

/**
 * A parameter of the query.
 *
 * @throws {@link Problem} `BAD_REQUEST` when it is given twice or is too long.
 */
export function queryValue(url: URL, name: string): string | undefined {
  const values = url.searchParams.getAll(name);
  if (values.length > 1)
    throw new Problem(400, "BAD_REQUEST", `${name}: expected it once, found it ${values.length} times`);
  const value = values[0];
  if (value !== undefined && value.length > MAX_QUERY_VALUE)
    throw new Problem(400, "BAD_REQUEST", `${name}: expected at most ${MAX_QUERY_VALUE} characters`);
  return value;
}

/** A parameter that must be there. */
export function neededQueryValue(url: URL, name: string): string {
  const value = queryValue(url, name);
  if (value === undefined || value === "")
    throw new Problem(400, "BAD_REQUEST", `expected the parameter ${name}`);
  return value;
}

/** A parameter that is a whole number. */
export function queryNumber(url: URL, name: string, maximum = Number.MAX_SAFE_INTEGER): number | undefined {
  return parseNumber(queryValue(url, name), name, maximum);
}

/** A whole number from 0 on, as text of a request. */
export function parseNumber(text: string | undefined, name: string, maximum: number): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^\d{1,16}$/u.test(text) ? Number(text) : Number.NaN;
  if (!(value <= maximum))
    throw new Problem(400, "BAD_REQUEST", `${name}: expected a whole number up to ${maximum}`);
  return value;
}

/**
 * The JSON object in a request's body.
 *
 * @throws {@link Problem} `BAD_REQUEST` (400, or 415 for another type), `TOO_LARGE` (413).
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<Record<string, unknown>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(?:;|$)/iu.test(type))
    throw new Problem(415, "BAD_REQUEST", "expected a body of the type application/json");
  const text = await readText(request, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem(400, "BAD_REQUEST", "expected JSON in the body");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Problem(400, "BAD_REQUEST", "expected a JSON object in the body");
  return value as Record<string, unknown>;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = (): Problem =>
    new Problem(413, "TOO_LARGE", `expected a body of at most ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = request.body?.getReader();
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return text + decoder.decode();
      bytes += piece.value.length;
      if (bytes > maxBytes) throw tooLarge();
      text += decoder.decode(piece.value, { stream: true });
    }
  } catch (error) {
    await reader?.cancel().catch(() => {});
    if (error instanceof Problem) throw error;
    throw new Problem(400, "BAD_REQUEST", "expected a whole body of UTF-8 text");
  }
}
