import { readFile } from "node:fs/promises";
import { ErrorCode, ImageError } from "../errors.ts";
import type { LayerEntry } from "./types.ts";

/**
 * What a tree cannot show of an entry because the user who keeps it may not set it: owners, devices (an empty file stands
 * in their place), most extended attributes, and the modes that would lock that user out.
 */
export interface SidecarEntry {
  /** Of what is a file in the tree; absent for what is itself there. */
  type?: "character" | "block";
  mode: number;
  uid: number;
  gid: number;
  deviceMajor?: number;
  deviceMinor?: number;
  /** All of them, values in base64. */
  xattrs?: Readonly<Record<string, string>>;
}

/** Entries by path, as binary strings. */
export type Sidecar = ReadonlyMap<string, SidecarEntry>;

const VERSION = 1;

export function encodeSidecar(entries: Sidecar): string {
  return JSON.stringify({ version: VERSION, entries: Object.fromEntries(entries) });
}

/**
 * Read a sidecar; one that is not there is empty.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it is none.
 */
export async function readSidecar(path: string): Promise<Sidecar> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? new Map() : decodeSidecar(text, path);
}

/** @throws {@link ImageError} `BAD_MANIFEST`. */
export function decodeSidecar(text: string, path: string): Sidecar {
  const bad = (cause?: unknown) =>
    new ImageError(
      ErrorCode.BAD_MANIFEST,
      "expected what a tree cannot show, as flatdelta writes it beside one",
      {
        path,
        cause,
      },
    );
  let parsed: { version?: unknown; entries?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (error) {
    throw bad(error);
  }
  const { version, entries } = parsed ?? {};
  if (version !== VERSION || typeof entries !== "object" || entries === null) throw bad();
  const found = Object.entries(entries as Record<string, SidecarEntry>);
  for (const [, entry] of found) if (!isEntry(entry)) throw bad();
  return new Map(found);
}

function isEntry(entry: Partial<SidecarEntry> | null): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  const { type, mode, uid, gid, deviceMajor = 0, deviceMinor = 0, xattrs = {} } = entry;
  return (
    (type === undefined || type === "character" || type === "block") &&
    [mode, uid, gid, deviceMajor, deviceMinor].every((value) => Number.isSafeInteger(value) && value! >= 0) &&
    typeof xattrs === "object" &&
    Object.values(xattrs).every((value) => typeof value === "string")
  );
}

/** An entry as it is meant. */
export function mergeSidecar(entry: LayerEntry, sidecar: Sidecar): LayerEntry {
  const found = sidecar.get(entry.path);
  if (found === undefined || entry.type === "hardlink") return entry;
  const { type, mode, uid, gid, deviceMajor = 0, deviceMinor = 0, xattrs } = found;
  // Somebody has put something else in the device's place.
  if (type !== undefined && (entry.type !== "file" || entry.content.size > 0)) return entry;
  return {
    ...entry,
    ...(type === undefined ? {} : { type, deviceMajor, deviceMinor }),
    mode,
    uid,
    gid,
    xattrs:
      xattrs === undefined
        ? entry.xattrs
        : new Map(
            Object.entries(xattrs).map(([name, value]) => [
              name,
              new Uint8Array(Buffer.from(value, "base64")),
            ]),
          ),
  };
}
