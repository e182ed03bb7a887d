import { equalBytes } from "../bytes/index.ts";
import { type OnProgress, PagedSource, type Source, type SourceRange } from "../io/index.ts";
import { addDifference, type MatchList } from "../match/index.ts";
import { planHeader, TAR_BLOCK_BYTES } from "../transform/index.ts";
import { chooseBasisFiles } from "./basis-choice.ts";
import { BasisFiles } from "./candidates.ts";
import type { EntrySpan, SourceIndex } from "./input.ts";
import type { BasisRange } from "./joined-basis.ts";
import { OrderedMatches } from "./ordered-matches.ts";
import { joinedBytes } from "./pair-matching.ts";
import { PairQueue } from "./pair-queue.ts";
import type { Sketching } from "./sketch.ts";
import { SketchIndex } from "./sketch-index.ts";
import { type DeltaWorkers, inlineWorkers } from "./workers.ts";

/** Files over this size are not held in memory side by side; the block index still finds what they share. */
export const MAX_PAIR_BYTES = 1 << 28;

// Of a flat image 2,048 bytes follow the last entry, of other tars up to 20 blocks of 512.
const MAX_END_BYTES = 1 << 14;

/** Most headers that are compared stand alone: larger pages would be read for one each. */
const HEADER_PAGE_BYTES = 1 << 12;

const NO_FILES: ReadonlyMap<EntrySpan, number> = new Map();

/** An entry's content and the padding behind it. */
function paddedContent(span: EntrySpan, sourceBytes: number): BasisRange {
  const padded = Math.ceil(span.contentBytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  return { offset: span.contentOffset, bytes: Math.min(padded, sourceBytes - span.contentOffset) };
}

const contentOf = ({ contentOffset, contentBytes }: EntrySpan): SourceRange => ({
  offset: contentOffset,
  length: contentBytes,
});

/** The files whose content no other entry has. */
function listUnlike(entries: readonly EntrySpan[], others: readonly EntrySpan[]): EntrySpan[] {
  const known = new Set<bigint>(others.map((span) => span.contentHash));
  return entries.filter((span) => span.contentBytes > 0 && !known.has(span.contentHash));
}

/** Whether two headers are equal but for their times, by what is known of them. */
function haveSameHeader(a: EntrySpan, b: EntrySpan): boolean {
  return a.headerHash !== undefined && a.headerHash === b.headerHash && a.headerBytes === b.headerBytes;
}

/** By how much the times of headers differ that are the same otherwise; nothing where they have none. */
function timeShiftOf(target: EntrySpan, basis: EntrySpan): number | undefined {
  if (target.headerTime === undefined || basis.headerTime === undefined) {
    return target.headerTime === basis.headerTime ? 0 : undefined;
  }
  return target.headerTime - basis.headerTime;
}

/** One side: its bytes, and where its entries lie in them. */
interface Side {
  source: Source;
  index: SourceIndex;
}

/** Matches entry by entry: whole files by content wherever they were, headers and changed files against counterparts. */
class EntryMatcher {
  readonly #basis: Source;
  readonly #target: Side;
  readonly #pairs: PairQueue;
  readonly #matches: MatchList;
  readonly #skims: boolean;
  readonly #basisPages: PagedSource;
  readonly #targetPages: PagedSource;
  readonly #files: BasisFiles;
  readonly #lastInBasis: EntrySpan | undefined;
  readonly #sketches = new SketchIndex();
  readonly #targetSketches = new Map<EntrySpan, Uint32Array>();
  /** For header blocks of both sides: thousands are compared. */
  readonly #targetBlock = new Uint8Array(TAR_BLOCK_BYTES);
  readonly #basisBlock = new Uint8Array(TAR_BLOCK_BYTES);

  /** @param matches - receives what is known at once; `pairs` the rest. */
  constructor(basis: Side, target: Side, pairs: PairQueue, matches: MatchList, skims: boolean) {
    this.#basis = basis.source;
    this.#target = target;
    this.#pairs = pairs;
    this.#matches = matches;
    this.#skims = skims;
    this.#basisPages = new PagedSource(basis.source, { pageBytes: HEADER_PAGE_BYTES });
    this.#targetPages = new PagedSource(target.source, { pageBytes: HEADER_PAGE_BYTES });
    this.#files = new BasisFiles(basis.index.entries);
    this.#lastInBasis = basis.index.entries.at(-1);
  }

  async #fill(pages: PagedSource, offset: number, into: Uint8Array): Promise<Uint8Array> {
    if (!pages.tryRead(offset, into)) await pages.read(offset, into);
    return into;
  }

  /** Match a short range of the target with one of the basis that has the same length and layout. */
  async #matchAlike(targetOffset: number, basisOffset: number, length: number): Promise<void> {
    if (length === 0) return;
    const target = await this.#fill(this.#targetPages, targetOffset, new Uint8Array(length));
    const basis = await this.#fill(this.#basisPages, basisOffset, new Uint8Array(length));
    addDifference(this.#matches, targetOffset, basisOffset, target, basis);
  }

  /** Match the headers of an entry. Returns nothing where that is done at once, as it is for nearly all of ten thousand. */
  #matchHeader(span: EntrySpan, counterpart: EntrySpan | undefined): Promise<void> | undefined {
    if (counterpart === undefined) return undefined;
    const timeShift = haveSameHeader(span, counterpart) ? timeShiftOf(span, counterpart) : undefined;
    if (timeShift === undefined) return this.#matchOtherHeader(span, counterpart);
    if (timeShift === 0) this.#matches.add(span.headerOffset, counterpart.headerOffset, span.headerBytes);
    else {
      const { bytes: contentBytes } = paddedContent(span, this.#target.source.size);
      const touch = { timeShift, contentBytes };
      this.#matches.addHeader(span.headerOffset, counterpart.headerOffset, span.headerBytes, touch);
    }
    return undefined;
  }

  /** Match headers of which not all is known. */
  async #matchOtherHeader(span: EntrySpan, counterpart: EntrySpan): Promise<void> {
    if (counterpart.headerBytes === span.headerBytes) {
      const targetEnd = span.headerOffset + span.headerBytes;
      const basisEnd = counterpart.headerOffset + counterpart.headerBytes;
      // Extended headers stand before the header proper, which alone holds the time.
      const extended = Math.max(0, span.headerBytes - TAR_BLOCK_BYTES);
      await this.#matchAlike(span.headerOffset, counterpart.headerOffset, extended);
      await this.#matchHeaderBlock(targetEnd - TAR_BLOCK_BYTES, basisEnd - TAR_BLOCK_BYTES);
      return;
    }
    await this.#matchPair({ offset: span.headerOffset, bytes: span.headerBytes }, [
      { offset: counterpart.headerOffset, bytes: counterpart.headerBytes },
    ]);
  }

  /** Match a tar header block: rebuilding an image gives files other times, and edited ones other sizes. */
  async #matchHeaderBlock(targetOffset: number, basisOffset: number): Promise<void> {
    const target = await this.#fill(this.#targetPages, targetOffset, this.#targetBlock);
    const basis = await this.#fill(this.#basisPages, basisOffset, this.#basisBlock);
    if (!equalBytes(target, basis) && planHeader(basis, target) !== undefined) {
      this.#matches.addHeader(targetOffset, basisOffset, TAR_BLOCK_BYTES);
    } else addDifference(this.#matches, targetOffset, basisOffset, target, basis);
  }

  /** Match a range of the target with ranges of the basis, as if these were one file. */
  async #matchPair(target: BasisRange, basis: readonly BasisRange[]): Promise<void> {
    if (target.bytes > MAX_PAIR_BYTES || joinedBytes(basis) > MAX_PAIR_BYTES) return;
    await this.#pairs.push({ target, basis, skims: this.#skims });
  }

  /** Match the content of a file with `same`, which has the same; returns nothing where that is done at once. */
  #matchSame(span: EntrySpan, same: EntrySpan): Promise<void> | undefined {
    this.#matches.add(span.contentOffset, same.contentOffset, span.contentBytes);
    const padding = Math.min(
      paddedContent(span, this.#target.source.size).bytes,
      paddedContent(same, this.#basis.size).bytes,
    );
    const targetEnd = span.contentOffset + span.contentBytes;
    const basisEnd = same.contentOffset + same.contentBytes;
    const bytes = padding - span.contentBytes;
    // A header's hash tells of zeros behind the content, too.
    if (span.headerHash === undefined || same.headerHash === undefined)
      return this.#matchAlike(targetEnd, basisEnd, bytes);
    this.#matches.add(targetEnd, basisEnd, bytes);
    return undefined;
  }

  /** Match the content of a file that the basis does not have as it is. */
  async #matchChanged(span: EntrySpan, samePath: EntrySpan | undefined): Promise<void> {
    if (span.contentBytes > MAX_PAIR_BYTES) return;
    const sketch = this.#targetSketches.get(span);
    const shared = sketch === undefined ? NO_FILES : this.#sketches.find(sketch);
    const named = this.#files.similar(span, samePath) ?? this.#files.otherVersion(span);
    const ranges: BasisRange[] = [];
    for (const similar of chooseBasisFiles(named, shared)) {
      ranges.push(paddedContent(similar, this.#basis.size));
      if (joinedBytes(ranges) > MAX_PAIR_BYTES) {
        ranges.pop();
        break;
      }
    }
    if (ranges.length > 0) await this.#matchPair(paddedContent(span, this.#target.source.size), ranges);
  }

  /** Match what follows the last entries: the end of the archive, which two images have in common. */
  async #matchEnd(last: EntrySpan, lastInBasis: EntrySpan): Promise<void> {
    const behind = (span: EntrySpan, sourceBytes: number): number => {
      const { offset, bytes } = paddedContent(span, sourceBytes);
      return offset + bytes;
    };
    const targetEnd = behind(last, this.#target.source.size);
    const basisEnd = behind(lastInBasis, this.#basis.size);
    const bytes = this.#target.source.size - targetEnd;
    if (bytes === this.#basis.size - basisEnd && bytes <= MAX_END_BYTES) {
      await this.#matchAlike(targetEnd, basisEnd, bytes);
    }
  }

  /** Sketch the files of both sides that the other side does not have as they are: changed files come from those. */
  async sketchAll(
    basisEntries: readonly EntrySpan[],
    sketching: Sketching,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const targetEntries = this.#target.index.entries;
    const lost = listUnlike(basisEntries, targetEntries);
    if (lost.length === 0) return;
    const changed = listUnlike(targetEntries, basisEntries).filter(
      ({ contentBytes }) => contentBytes <= MAX_PAIR_BYTES,
    );
    const [basisSketches, targetSketches] = await Promise.all([
      sketching.sketch(this.#basis, lost.map(contentOf), signal),
      sketching.sketch(this.#target.source, changed.map(contentOf), signal),
    ]);
    lost.forEach((span, i) => {
      this.#sketches.add(span, basisSketches[i]!);
    });
    changed.forEach((span, i) => {
      this.#targetSketches.set(span, targetSketches[i]!);
    });
  }

  /** Match all entries, in their order. */
  async matchAll(signal?: AbortSignal, onProgress?: OnProgress): Promise<void> {
    let previous: EntrySpan | undefined;
    for (const span of this.#target.index.entries) {
      signal?.throwIfAborted();
      const samePath = this.#files.samePath(span.path);
      const same = span.contentBytes > 0 ? this.#files.sameContent(span, samePath, previous) : undefined;
      const counterpart = samePath ?? same ?? this.#files.similar(span, samePath) ?? previous;
      const header = this.#matchHeader(span, counterpart);
      if (header !== undefined) await header;
      if (span.contentBytes > 0) {
        const content = same === undefined ? this.#matchChanged(span, samePath) : this.#matchSame(span, same);
        if (content !== undefined) await content;
      }
      previous = same ?? counterpart;
      onProgress?.({
        phase: "match",
        doneBytes: span.contentOffset + span.contentBytes,
        totalBytes: this.#target.source.size,
      });
    }
    const last = this.#target.index.entries.at(-1);
    if (last !== undefined && this.#lastInBasis !== undefined) await this.#matchEnd(last, this.#lastInBasis);
    await this.#pairs.finish();
  }
}

/** Match the entries of the target with those of the basis. */
export async function matchEntries(
  basis: Side,
  target: Side,
  options: {
    /** Whether files are found by their contents too, not by their names alone: true unless said otherwise. */
    searchesContent?: boolean;
    /** Whether files are skimmed: see `Pair`. */
    skims?: boolean | undefined;
    workers?: Partial<DeltaWorkers> | undefined;
    signal?: AbortSignal | undefined;
    onProgress?: OnProgress | undefined;
  } = {},
): Promise<MatchList> {
  const { searchesContent = true, skims = false, signal, onProgress } = options;
  const { pairMatching, sketching } = { ...inlineWorkers, ...options.workers };
  const matches = new OrderedMatches();
  const sources = { target: target.source, basis: basis.source };
  const pairs = new PairQueue(pairMatching, sources, () => matches.reserve(), signal);
  try {
    const matcher = new EntryMatcher(basis, target, pairs, matches.known, skims);
    if (searchesContent) await matcher.sketchAll(basis.index.entries, sketching, signal);
    await matcher.matchAll(signal, onProgress);
  } finally {
    pairs.close();
  }
  return matches.merge();
}
