import type { EntrySpan } from "./input.ts";

/**
 * A path with what changes from build to build taken out: version numbers and content hashes, so that
 * `libssl.so.3.0.15` meets `libssl.so.3.0.16` and `app.4f2a9c01.js` meets `app.b7d3e2f4.js`.
 */
export function stemOf(path: string): string {
  return path.replace(/[0-9a-f]{6,}|\d+(?:[._-]\d+)*/gi, "#");
}

function append<Key>(map: Map<Key, EntrySpan[]>, key: Key, span: EntrySpan): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [span]);
  else list.push(span);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

// Beyond so many files of one stem (`__init__.py`) the name says nothing.
const MAX_SAME_NAME = 64;

/** The files of the basis by what their names have in common. Taking 25,000 names apart takes 30 ms: only for new files. */
class NameIndex {
  readonly #byStem = new Map<string, EntrySpan[]>();
  readonly #byBaseStem = new Map<string, EntrySpan[]>();

  constructor(entries: readonly EntrySpan[]) {
    for (const span of entries) {
      if (span.contentBytes === 0) continue;
      const stem = stemOf(span.path);
      append(this.#byStem, stem, span);
      append(this.#byBaseStem, baseName(stem), span);
    }
  }

  similar(span: EntrySpan): EntrySpan | undefined {
    const stem = stemOf(span.path);
    const sameStem = this.#byStem.get(stem);
    if (sameStem !== undefined) return closestInSize(sameStem, span.contentBytes);
    const sameBase = this.#byBaseStem.get(baseName(stem));
    return sameBase === undefined || sameBase.length > MAX_SAME_NAME
      ? undefined
      : closestInSize(sameBase, span.contentBytes);
  }
}

/** Finds, for a file of the target, the files of the basis that it may have been made from. */
export class BasisFiles {
  readonly #byPath = new Map<string, EntrySpan>();
  readonly #byContent = new Map<bigint, EntrySpan[]>();
  readonly #entries: readonly EntrySpan[];
  #names: NameIndex | undefined;
  readonly #next = new Map<EntrySpan, EntrySpan>();

  constructor(entries: readonly EntrySpan[]) {
    this.#entries = entries;
    let last: EntrySpan | undefined;
    for (const span of entries) {
      this.#byPath.set(span.path, span);
      if (last !== undefined) this.#next.set(last, span);
      last = span;
      if (span.contentBytes > 0) append(this.#byContent, span.contentHash, span);
    }
  }

  /** The entry of the same path. */
  samePath(path: string): EntrySpan | undefined {
    return this.#byPath.get(path);
  }

  /**
   * A file with the same content: the one of the same path if there is one, else the one that follows `previous`, so
   * that a moved folder becomes one long copy.
   */
  sameContent(span: EntrySpan, previous: EntrySpan | undefined): EntrySpan | undefined {
    const list = this.#byContent
      .get(span.contentHash)
      ?.filter((basis) => basis.contentBytes === span.contentBytes);
    if (list === undefined || list.length === 0) return undefined;
    const following = previous === undefined ? undefined : this.#next.get(previous);
    return (
      list.find((basis) => basis.path === span.path) ?? list.find((basis) => basis === following) ?? list[0]
    );
  }

  /** The most likely file that a changed or renamed one was made from. */
  similar(span: EntrySpan): EntrySpan | undefined {
    const same = this.#byPath.get(span.path);
    if (same !== undefined && same.contentBytes > 0) return same;
    this.#names ??= new NameIndex(this.#entries);
    return this.#names.similar(span);
  }
}

function closestInSize(list: readonly EntrySpan[], bytes: number): EntrySpan {
  let best = list[0]!;
  for (const span of list) {
    if (Math.abs(span.contentBytes - bytes) < Math.abs(best.contentBytes - bytes)) best = span;
  }
  return best;
}
