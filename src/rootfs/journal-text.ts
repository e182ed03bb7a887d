import { ErrorCode, StateError } from "../errors.ts";
import { SHA256_HEX } from "../image/digest.ts";
import type { AttributeChange, Placement, Removal, Steps } from "./plan.ts";
import { isInnerPath } from "./target.ts";

/** All that completing an update takes, besides the staged content. */
export interface Journal extends Steps {
  basisSha256: string;
  targetSha256: string;
  targetBytes: number;
  /** Of the tree's root: another tree in its place is not the one that the steps are for. */
  rootInode: string;
  /** Whether root does the steps, who needs no permission of the tree's folders. */
  isPrivileged: boolean;
  /** Whether a config, a sidecar are staged. */
  hasConfig: boolean;
  hasSidecar: boolean;
}

/** The error for a journal that is not what was written. */
export function badJournal(message: string): StateError {
  return new StateError(
    ErrorCode.BAD_STATE,
    `the journal of an interrupted update is damaged (${message}): the tree needs a whole pull`,
  );
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badJournal(`${what} is no object`);
  return value as Fields;
}

function listOf<T>(value: unknown, what: string, read: (item: unknown) => T): T[] {
  if (!Array.isArray(value)) throw badJournal(`${what} is no list`);
  return value.map(read);
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== "string") throw badJournal(`${what} is no text`);
  return value;
}

function flagOf(value: unknown, what: string): boolean {
  if (typeof value !== "boolean") throw badJournal(`${what} is neither true nor false`);
  return value;
}

function numberOf(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max)
    throw badJournal(`${what} is no number from ${min} to ${max}`);
  return value;
}

function digestOf(value: unknown, what: string): string {
  const text = textOf(value, what);
  if (!SHA256_HEX.test(text)) throw badJournal(`${what} is no SHA-256`);
  return text;
}

function pathOf(value: unknown): string {
  const path = textOf(value, "a path");
  if (!isInnerPath(path)) throw badJournal("a path leads out of the tree");
  return path;
}

function removalOf(value: unknown): Removal {
  const { path, isFolder } = fieldsOf(value, "a removal");
  return { path: pathOf(path), isFolder: flagOf(isFolder, "isFolder") };
}

function placementOf(value: unknown): Placement {
  const { path, from, replaces } = fieldsOf(value, "a placement");
  const isNumber = typeof from === "number";
  return {
    path: pathOf(path),
    from: isNumber ? numberOf(from, "from", 0, 2 ** 32) : pathOf(from),
    replaces: flagOf(replaces, "replaces"),
  };
}

function attributeChangeOf(value: unknown): AttributeChange {
  const { path, isFolder, attributes, setXattrs, removeXattrs } = fieldsOf(value, "a change");
  const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = fieldsOf(attributes, "attributes");
  const maxSeconds = Number.MAX_SAFE_INTEGER;
  return {
    // The root's own attributes are among them.
    path: path === "" ? "" : pathOf(path),
    isFolder: flagOf(isFolder, "isFolder"),
    attributes: {
      mode: numberOf(mode, "mode", 0, 0o7777),
      uid: numberOf(uid, "uid", 0, 2 ** 32 - 1),
      gid: numberOf(gid, "gid", 0, 2 ** 32 - 1),
      mtimeSeconds: numberOf(mtimeSeconds, "mtimeSeconds", -maxSeconds, maxSeconds),
      mtimeNanoseconds: numberOf(mtimeNanoseconds, "mtimeNanoseconds", 0, 999_999_999),
    },
    setXattrs: listOf(setXattrs, "setXattrs", (pair) => {
      const [name, text] = listOf(pair, "an attribute", (item) => textOf(item, "an attribute"));
      return [textOf(name, "an attribute's name"), textOf(text, "an attribute's value")] as const;
    }),
    removeXattrs: listOf(removeXattrs, "removeXattrs", (name) => textOf(name, "an attribute's name")),
  };
}

/**
 * The journal that a JSON text stands for. Every path in it is checked to stay inside the tree: what an update does must not
 * depend on who could write to its folder.
 *
 * @throws {@link StateError} `BAD_STATE` when it is none.
 */
export function parseJournal(text: string): Journal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badJournal("it is no JSON");
  }
  const fields = fieldsOf(value, "it");
  return {
    removals: listOf(fields.removals, "removals", removalOf),
    folders: listOf(fields.folders, "folders", pathOf),
    placements: listOf(fields.placements, "placements", placementOf),
    attributes: listOf(fields.attributes, "attributes", attributeChangeOf),
    basisSha256: digestOf(fields.basisSha256, "basisSha256"),
    targetSha256: digestOf(fields.targetSha256, "targetSha256"),
    targetBytes: numberOf(fields.targetBytes, "targetBytes", 0, Number.MAX_SAFE_INTEGER),
    rootInode: textOf(fields.rootInode, "rootInode"),
    isPrivileged: flagOf(fields.isPrivileged, "isPrivileged"),
    hasConfig: flagOf(fields.hasConfig, "hasConfig"),
    hasSidecar: flagOf(fields.hasSidecar, "hasSidecar"),
  };
}
