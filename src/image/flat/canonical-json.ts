/**
 * JSON in one form, as RFC 8785 (JSON Canonicalization Scheme) has it: keys sorted by UTF-16 code units, no white space,
 * strings and numbers as ECMAScript writes them.
 */
import { decodeUtf8, encodeUtf8 } from "../../bytes/index.ts";
import { ErrorCode, ImageError } from "../../errors.ts";

/** What JSON text can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** An object of JSON text. */
export interface JsonObject {
  [key: string]: Json;
}

/** How deep arrays and objects may nest. */
const MAX_DEPTH = 256;

function badJson(what: string, message: string, cause?: unknown): ImageError {
  return new ImageError(ErrorCode.BAD_MANIFEST, `${what}: ${message}`, cause === undefined ? {} : { cause });
}

/** Index behind the string whose first character is at `at`. The text is known to be JSON. */
function skipString(text: string, at: number): number {
  for (let i = at; ; i++) {
    const end = text.indexOf('"', i);
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    i = end;
  }
}

/** Numbers that a double would round silently must not reach the canonical form. */
function checkNumbers(text: string, what: string): void {
  const number = /-?\d[\d.eE+-]*/y;
  for (let i = 0; i < text.length; ) {
    if (text[i] === '"') {
      i = skipString(text, i + 1);
      continue;
    }
    number.lastIndex = i;
    const token = number.exec(text)?.[0];
    if (token === undefined) {
      i++;
      continue;
    }
    const value = Number(token);
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw badJson(what, `expected numbers up to 2^53 − 1, found ${token.slice(0, 40)}`);
    }
    i += token.length;
  }
}

/**
 * The object that JSON text stands for.
 *
 * @param what - names the text in errors ("image config").
 * @throws {@link ImageError} `BAD_MANIFEST` when it is no JSON object in UTF-8, or holds an integer over 2^53 − 1.
 */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  let text: string;
  let value: Json;
  try {
    text = decodeUtf8(bytes);
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw badJson(what, "expected JSON text", cause);
  }
  checkNumbers(text, what);
  return expectObject(value, what);
}

/** Check that a value is an object. */
export function expectObject(value: Json | undefined, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  const found =
    value === undefined
      ? "nothing"
      : value === null
        ? "null"
        : Array.isArray(value)
          ? "an array"
          : `a ${typeof value}`;
  throw badJson(what, `expected a JSON object, found ${found}`);
}

function write(value: Json, depth: number): string {
  if (depth > MAX_DEPTH) throw badJson("JSON text", `expected at most ${MAX_DEPTH} levels`);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${write(value[key]!, depth + 1)}`);
  return `{${members.join(",")}}`;
}

/**
 * The canonical text of a JSON value, in UTF-8.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it nests deeper than 256 levels.
 */
export function encodeCanonicalJson(value: Json): Uint8Array {
  return encodeUtf8(write(value, 0));
}
