import { ByteWriter } from "../../bytes/index.ts";
import { type DeltaWorkers, type IndexedInput, matchInputs } from "../../encode/index.ts";
import { countingSink, type OnProgress, PagedSource, type Sink, type Source } from "../../io/index.ts";
import { type MatchList, MatchWalk } from "../../match/index.ts";
import { HeaderFlag, VCDIFF_MAGIC, VCDIFF_VERSION } from "./format.ts";
import { putInteger } from "./integer.ts";
import { WindowIndex } from "./window-index.ts";
import { type SourceSegment, WindowWriter } from "./window-writer.ts";

/** Options of {@link createVcdiff}. */
export interface CreateVcdiffOptions {
  /** Size of the target windows, which is memory on both sides: 8 MiB by default, 16 MiB at most, as xdelta3 reads them. */
  windowBytes?: number | undefined;
  /** Text for the application header, where xdelta3 keeps file names; none by default. */
  applicationHeader?: Uint8Array | undefined;
  /** Who matches pairs of files: the calling thread unless said otherwise. The file's bytes do not depend on it. */
  workers?: Partial<DeltaWorkers> | undefined;
  signal?: AbortSignal | undefined;
  /** Phases: "read basis", "read target", "match", "write". */
  onProgress?: OnProgress | undefined;
}

/** What {@link createVcdiff} made. */
export interface CreateVcdiffStats {
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  windowCount: number;
  /** Bytes that are copied from the basis. */
  copiedBytes: number;
  /** Bytes that are not: new, or copied from the window. */
  literalBytes: number;
}

const DEFAULT_WINDOW_BYTES = 1 << 23;
const MAX_WINDOW_BYTES = 1 << 24;

// Between unlike bytes of one alignment: a COPY with its address, and another ADD behind it, take four bytes.
const MIN_COPY_BYTES = 6;

/** A range of a target window that the basis has exactly. */
interface WindowCopy {
  readonly windowOffset: number;
  readonly basisOffset: number;
  readonly length: number;
}

/**
 * Make a VCDIFF file (RFC 3284) that leads from a basis to a target, and that `xdelta3 -d` and other decoders of the standard
 * read: default code table, no secondary compression, an Adler-32 checksum for each window as xdelta3 has them.
 *
 * What basis and target share is found as `createDelta` finds it; the format has no way to code near matches, so the file is
 * larger than a delta of our own.
 *
 * Memory: that of `createDelta`, two target windows and their parts of the file.
 *
 * ```ts
 * const file = await createAtomicFile("update.vcdiff");
 * await createVcdiff(await openFileSource("old.bin"), await openFileSource("new.bin"), file);
 * await file.commit();
 * ```
 *
 * @param sink - receives the file in order.
 */
export async function createVcdiff(
  basis: Source | IndexedInput,
  target: Source | IndexedInput,
  sink: Sink,
  options: CreateVcdiffOptions = {},
): Promise<CreateVcdiffStats> {
  const { windowBytes = DEFAULT_WINDOW_BYTES, signal, onProgress } = options;
  if (!Number.isInteger(windowBytes) || windowBytes < 1 || windowBytes > MAX_WINDOW_BYTES)
    throw new RangeError(`windowBytes: expected 1 … ${MAX_WINDOW_BYTES}, got ${windowBytes}`);
  const matched = await matchInputs(basis, target, options);
  const { source } = matched.target;
  const cutter = new WindowCutter(matched.basis.source, matched.matches);
  const output = countingSink(sink);
  await output.write(makeHeader(options.applicationHeader));
  const buffer = new Uint8Array(Math.min(windowBytes, source.size));
  let windowCount = 0;
  let copiedBytes = 0;
  // An empty target has a window, too: without any xdelta3 finds "nothing to output".
  for (let at = 0; at === 0 || at < source.size; at += windowBytes) {
    signal?.throwIfAborted();
    const window = buffer.subarray(0, Math.min(windowBytes, source.size - at));
    await source.read(at, window);
    const copies = await cutter.cut(window, at);
    for (const { length } of copies) copiedBytes += length;
    await output.write(writeWindow(window, copies));
    windowCount++;
    onProgress?.({ phase: "write", doneBytes: at + window.length, totalBytes: source.size });
  }
  return {
    basisBytes: matched.basis.source.size,
    targetBytes: source.size,
    targetSha256: (await matched.target.index.hashes).sha256,
    deltaBytes: output.bytesWritten,
    windowCount,
    copiedBytes,
    literalBytes: source.size - copiedBytes,
  };
}

function makeHeader(applicationHeader: Uint8Array | undefined): Uint8Array {
  const out = new ByteWriter();
  out.bytes(VCDIFF_MAGIC);
  out.u8(VCDIFF_VERSION);
  out.u8(applicationHeader === undefined ? 0 : HeaderFlag.APPLICATION_HEADER);
  if (applicationHeader !== undefined) {
    putInteger(out, applicationHeader.length);
    out.bytes(applicationHeader);
  }
  return out.view();
}

/** Cuts the matches of a target into exact copies, window by window. */
class WindowCutter {
  readonly #basis: PagedSource;
  readonly #walk: MatchWalk;

  constructor(basis: Source, matches: MatchList) {
    this.#basis = new PagedSource(basis);
    this.#walk = new MatchWalk(matches);
  }

  /** The copies of the next window, which begins at `offset` of the target. */
  async cut(window: Uint8Array, offset: number): Promise<WindowCopy[]> {
    const copies: WindowCopy[] = [];
    for (let at = 0; at < window.length; ) {
      const found = this.#walk.from(offset + at);
      const length = Math.min(found.length, window.length - at);
      if (found.match !== undefined) {
        const basisOffset = found.match.basisOffset + (offset + at - found.match.targetOffset);
        if (found.match.exact) {
          if (length >= MIN_COPY_BYTES) copies.push({ windowOffset: at, basisOffset, length });
        } else {
          const old = new Uint8Array(length);
          if (!this.#basis.tryRead(basisOffset, old)) await this.#basis.read(basisOffset, old);
          for (const copy of findEqual(window.subarray(at, at + length), old, at, basisOffset))
            copies.push(copy);
        }
      }
      at += length;
    }
    return copies;
  }
}

/** The equal runs of two ranges of one length. */
function* findEqual(
  target: Uint8Array,
  basis: Uint8Array,
  windowOffset: number,
  basisOffset: number,
): Generator<WindowCopy, void, undefined> {
  for (let at = 0; at < target.length; at++) {
    const start = at;
    while (at < target.length && target[at] === basis[at]) at++;
    if (at - start < MIN_COPY_BYTES) continue;
    yield { windowOffset: windowOffset + start, basisOffset: basisOffset + start, length: at - start };
  }
}

function findSegment(copies: readonly WindowCopy[]): SourceSegment {
  if (copies.length === 0) return { offset: 0, length: 0 };
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const { basisOffset, length } of copies) {
    start = Math.min(start, basisOffset);
    end = Math.max(end, basisOffset + length);
  }
  return { offset: start, length: end - start };
}

function writeWindow(window: Uint8Array, copies: readonly WindowCopy[]): Uint8Array {
  const writer = new WindowWriter(findSegment(copies));
  const index = new WindowIndex(window);
  const addNew = (from: number, to: number): void =>
    index.split(
      from,
      to,
      (bytes) => writer.add(bytes),
      (windowOffset, length) => writer.copyWindow(windowOffset, length),
    );
  let at = 0;
  for (const { windowOffset, basisOffset, length } of copies) {
    addNew(at, windowOffset);
    writer.copyBasis(basisOffset, length);
    at = windowOffset + length;
  }
  addNew(at, window.length);
  return writer.finish(window);
}
