import { ErrorCode, errorMessageOf, ImageError, LimitError } from "../errors.ts";
import { readRange, type Source } from "../io/index.ts";

/** An object of a JSON document whose members are not checked yet. */
export type JsonObject = { readonly [name: string]: unknown };

/**
 * Read a whole JSON document as bytes.
 *
 * @throws {@link LimitError} `SIZE_LIMIT` when it is larger than `limitBytes`.
 */
export async function readJsonBytes(source: Source, path: string, limitBytes: number): Promise<Uint8Array> {
  if (source.size > limitBytes) {
    throw new LimitError(
      ErrorCode.SIZE_LIMIT,
      `expected a JSON document of at most ${limitBytes} bytes, found ${source.size}; raise limits.jsonBytes if you trust the image`,
      { path },
    );
  }
  return readRange(source, 0, source.size, limitBytes);
}

// Far more than any manifest or config has, far less than what overflows the stack of those who walk through it.
const MAX_DEPTH = 200;

/** Whether objects and arrays lie inside one another more than {@link MAX_DEPTH} deep. Counts brackets, no more. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x22) inString = !inString;
    else if (inString) {
      if (byte === 0x5c) i++; // A backslash: what it escapes ends no string.
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

/**
 * Parse a JSON document.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it is no JSON in UTF-8, or nested more than 200 deep.
 */
export function parseJson(bytes: Uint8Array, path: string): unknown {
  if (isTooDeep(bytes)) {
    throw new ImageError(ErrorCode.BAD_MANIFEST, `expected a JSON document at most ${MAX_DEPTH} deep`, {
      path,
    });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    const reason = errorMessageOf(cause);
    throw new ImageError(ErrorCode.BAD_MANIFEST, `expected a JSON document: ${reason.slice(0, 200)}`, {
      path,
      cause,
    });
  }
}

/** Characters that a list of what there is may take in an error. */
export const MAX_LIST_LENGTH = 2000;

/** Text from an image, fit to be shown in one line on a terminal. */
export function showText(text: string, maxLength = 100): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return shown.replace(/\p{C}/gu, "?");
}

/** Takes values out of a JSON document; every other shape than the one asked for is `BAD_MANIFEST`. */
export class JsonShape {
  readonly #path: string;

  /** @param path - names the document in errors. */
  constructor(path: string) {
    this.#path = path;
  }

  #bad(what: string, expected: string, found: unknown): ImageError {
    const shown = found === undefined ? "nothing" : showText(JSON.stringify(found));
    return new ImageError(ErrorCode.BAD_MANIFEST, `${what}: expected ${expected}, found ${shown}`, {
      path: this.#path,
    });
  }

  object(value: unknown, what: string): JsonObject {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.#bad(what, "an object", value);
    }
    return value as JsonObject;
  }

  array(value: unknown, what: string): readonly unknown[] {
    if (!Array.isArray(value)) throw this.#bad(what, "an array", value);
    return value;
  }

  string(value: unknown, what: string): string {
    if (typeof value !== "string") throw this.#bad(what, "a string", value);
    return value;
  }

  /** A string, or `undefined` where there is none (or null, which Go writes for it). */
  optionalString(value: unknown, what: string): string | undefined {
    return value === undefined || value === null ? undefined : this.string(value, what);
  }

  strings(value: unknown, what: string): readonly string[] {
    return this.array(value, what).map((item) => this.string(item, what));
  }

  size(value: unknown, what: string): number {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw this.#bad(what, "a size in bytes", value);
    }
    return value;
  }
}
