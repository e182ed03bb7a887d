import { spawn } from "node:child_process";
import { ErrorCode, FlatdeltaError, UnsupportedError } from "../errors.ts";
import { isImageXattr } from "./xattr.ts";

/** Extended attributes of the entries that have any, by path from the folder (binary strings, "" for the folder). */
export type FolderXattrs = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

// Recursive, links neither followed nor skipped, every namespace.
const ARGUMENTS = ["-R", "-h", "-P", "-d", "-m", "-", "-e", "base64", "--absolute-names", "--"];
const MAX_ERROR_BYTES = 4096;

/**
 * Read the extended attributes of everything below a folder with the program `getfattr`, since Node has no interface
 * to them.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` when `getfattr` is not installed.
 */
export async function readFolderXattrs(folder: string, signal?: AbortSignal): Promise<FolderXattrs> {
  signal?.throwIfAborted();
  const child = spawn("getfattr", [...ARGUMENTS, folder], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
    ...(signal === undefined ? {} : { signal }),
  });
  const finished = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  finished.catch(() => {}); // Awaited below, but perhaps only after it was rejected.
  let complaints = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    if (complaints.length < MAX_ERROR_BYTES) complaints += text;
  });
  child.stdout.setEncoding("latin1");
  const parser = new XattrDumpParser(Buffer.from(folder, "utf8").toString("latin1"));
  try {
    // Not node:readline: to it a carriage return in a name ends the line too.
    let rest = "";
    for await (const text of child.stdout as AsyncIterable<string>) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) parser.push(line);
    }
    parser.push(rest);
    const exitCode = await finished;
    if (exitCode !== 0) {
      throw new FlatdeltaError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `getfattr could not read the extended attributes (exit code ${exitCode}): ${complaints.trim()}; run as root, or pass xattrs: "ignore" if the image has none`,
        { path: folder },
      );
    }
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      'extended attributes can only be read with the program getfattr, which is not installed; install it (package "attr"), or pass xattrs: "ignore" if the image has none',
      { path: folder, cause: error },
    );
  } finally {
    child.kill();
  }
  return parser.found;
}

/**
 * Parser of what `getfattr --dump --encoding=base64` prints: a line `# file: PATH`, then `NAME=0sBASE64` for each
 * attribute, then an empty line. Backslash and line breaks in names are octal escapes.
 *
 * @internal
 */
export class XattrDumpParser {
  readonly found = new Map<string, ReadonlyMap<string, Uint8Array>>();
  readonly #folder: string;
  #current: Map<string, Uint8Array> | undefined;
  #path = "";

  /** @param folder - the folder as it was named to getfattr, as a binary string. */
  constructor(folder: string) {
    this.#folder = folder.replace(/\/+$/, "");
  }

  push(line: string): void {
    if (line.startsWith("# file: ")) {
      this.#path = decodeEscapes(line.slice(8)).slice(this.#folder.length).replace(/^\/+/, "");
      this.#current = undefined;
    } else if (line !== "") {
      const equals = line.indexOf("=");
      const name = decodeEscapes(equals < 0 ? line : line.slice(0, equals));
      if (!isImageXattr(name)) return;
      if (this.#current === undefined) {
        this.#current = new Map();
        this.found.set(this.#path, this.#current);
      }
      this.#current.set(name, decodeValue(equals < 0 ? "" : line.slice(equals + 1)));
    }
  }
}

function decodeEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function decodeValue(text: string): Uint8Array {
  if (text.startsWith("0s")) return new Uint8Array(Buffer.from(text.slice(2), "base64"));
  // Some versions show an empty value as an empty string whatever the encoding.
  if (text === "" || text === '""') return new Uint8Array(0);
  throw new FlatdeltaError(
    ErrorCode.UNSUPPORTED_FEATURE,
    `expected a value in base64 from getfattr, found ${JSON.stringify(text.slice(0, 40))}`,
  );
}
