import type { EntrySpan } from "./input.ts";
import { PathIndex } from "./path-index.ts";

/**
 * A path with what changes from build to build taken out: version numbers and content hashes, so that
 * `libssl.so.3.0.15` meets `libssl.so.3.0.16` and `app.4f2a9c01.js` meets `app.b7d3e2f4.js`.
 */
export function stemOf(path: string): string {
  return path.replace(/[0-9a-f]{6,}|\d+(?:[._-]\d+)*/gi, "#");
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/**
 * The last part of a path without its version, and without what stands between that and the extension: a library is `guava.jar` in one
 * package and `guava-32.0.1-jre.jar` in the next.
 */
export function bareNameOf(path: string): string {
  return baseName(path).replace(/[._-]v?(?:\d|[0-9a-f]{6,}).*?(?=\.[a-z]\w*$|$)/is, "");
}

// Beyond so many files of one stem (`__init__.py`) the name says nothing.
const MAX_SAME_NAME = 64;

/** Things by a key that few have in common: a list for each would be most of what is kept. */
class Groups<Key, Value extends object> {
  readonly #byKey = new Map<Key, Value | Value[]>();

  add(key: Key, value: Value): void {
    const found = this.#byKey.get(key);
    if (found === undefined) this.#byKey.set(key, value);
    else if (Array.isArray(found)) found.push(value);
    else this.#byKey.set(key, [found, value]);
  }

  /** All of one key, in the order in which they came. */
  get(key: Key): readonly Value[] {
    const found = this.#byKey.get(key);
    if (found === undefined) return [];
    return Array.isArray(found) ? found : [found];
  }
}

/** Files by a key. */
function groupFiles<Key>(
  entries: readonly EntrySpan[],
  keyOf: (span: EntrySpan) => Key,
): Groups<Key, EntrySpan> {
  const groups = new Groups<Key, EntrySpan>();
  for (const span of entries) if (span.contentBytes > 0) groups.add(keyOf(span), span);
  return groups;
}

/** The files of the basis by what their names have in common. Taking 25,000 names apart takes 20 ms: only for new files. */
class NameIndex {
  readonly #entries: readonly EntrySpan[];
  /** By the stem of the last part of the path. */
  readonly #byBaseStem: Groups<string, EntrySpan>;
  /** Of those that were asked for, by the stem of the whole path. */
  readonly #byStem = new Map<string, Groups<string, EntrySpan>>();
  /** By the last part without its version; made when it is asked for. */
  #byBareName: Groups<string, EntrySpan> | undefined;

  constructor(entries: readonly EntrySpan[]) {
    this.#entries = entries;
    this.#byBaseStem = groupFiles(entries, ({ path }) => stemOf(baseName(path)));
  }

  similar(span: EntrySpan): EntrySpan | undefined {
    const baseStem = stemOf(baseName(span.path));
    const sameBase = this.#byBaseStem.get(baseStem);
    if (sameBase.length === 0) return undefined;
    let stems = this.#byStem.get(baseStem);
    if (stems === undefined) {
      stems = new Groups();
      for (const other of sameBase) stems.add(stemOf(other.path), other);
      this.#byStem.set(baseStem, stems);
    }
    const sameStem = stems.get(stemOf(span.path));
    if (sameStem.length > 0) return closestInSize(sameStem, span.contentBytes);
    return closestOfFew(sameBase, span.contentBytes);
  }

  otherVersion(span: EntrySpan): EntrySpan | undefined {
    this.#byBareName ??= groupFiles(this.#entries, ({ path }) => bareNameOf(path));
    return closestOfFew(this.#byBareName.get(bareNameOf(span.path)), span.contentBytes);
  }
}

/** Finds, for a file of the target, the files of the basis that it may have been made from. */
export class BasisFiles {
  readonly #entries: readonly EntrySpan[];
  readonly #paths: PathIndex;
  #byContent: Groups<bigint, EntrySpan> | undefined;
  #names: NameIndex | undefined;
  #next: Map<EntrySpan, EntrySpan> | undefined;

  constructor(entries: readonly EntrySpan[]) {
    this.#entries = entries;
    this.#paths = new PathIndex(entries);
  }

  /** The entry of the same path. */
  samePath(path: string): EntrySpan | undefined {
    return this.#paths.find(path);
  }

  /**
   * A file with the same content: the one of the same path if that is one, else the one that follows `previous`, so
   * that a moved folder becomes one long copy.
   *
   * @param samePath - the entry of the same path.
   */
  sameContent(
    span: EntrySpan,
    samePath: EntrySpan | undefined,
    previous: EntrySpan | undefined,
  ): EntrySpan | undefined {
    if (samePath !== undefined && haveSameContent(samePath, span)) return samePath;
    this.#byContent ??= groupFiles(this.#entries, ({ contentHash }) => contentHash);
    const list = this.#byContent.get(span.contentHash).filter((basis) => haveSameContent(basis, span));
    if (list.length <= 1 || previous === undefined) return list[0];
    const following = this.#follower(previous);
    return list.find((basis) => basis === following) ?? list[0];
  }

  /** The entry that follows one of the basis. */
  #follower(span: EntrySpan): EntrySpan | undefined {
    this.#next ??= new Map(this.#entries.slice(1).map((entry, i) => [this.#entries[i]!, entry]));
    return this.#next.get(span);
  }

  /**
   * The most likely file that a changed or renamed one was made from.
   *
   * @param samePath - the entry of the same path.
   */
  similar(span: EntrySpan, samePath: EntrySpan | undefined): EntrySpan | undefined {
    if (samePath !== undefined && samePath.contentBytes > 0) return samePath;
    return this.#nameIndex().similar(span);
  }

  /**
   * A file whose name is the same but for a version, which one of them may lack. Asked for where no file is {@link similar}: it may be
   * the other's predecessor, but says nothing about its header.
   */
  otherVersion(span: EntrySpan): EntrySpan | undefined {
    return this.#nameIndex().otherVersion(span);
  }

  #nameIndex(): NameIndex {
    this.#names ??= new NameIndex(this.#entries);
    return this.#names;
  }
}

/** The closest in size, unless so many have the name that it says nothing. */
function closestOfFew(list: readonly EntrySpan[], bytes: number): EntrySpan | undefined {
  return list.length === 0 || list.length > MAX_SAME_NAME ? undefined : closestInSize(list, bytes);
}

function haveSameContent(a: EntrySpan, b: EntrySpan): boolean {
  return a.contentBytes === b.contentBytes && a.contentHash === b.contentHash;
}

function closestInSize(list: readonly EntrySpan[], bytes: number): EntrySpan {
  let best = list[0]!;
  for (const span of list) {
    if (Math.abs(span.contentBytes - bytes) < Math.abs(best.contentBytes - bytes)) best = span;
  }
  return best;
}
