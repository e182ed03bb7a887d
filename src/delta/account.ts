import type { ByteInput } from "../io/index.ts";
import { rawBytesOf, WindowDecoder } from "./decode.ts";
import { givenConfigBytes } from "./envelope.ts";
import { OpKind, StreamId } from "./format.ts";
import type { DeltaHeader } from "./header.ts";
import { BasisCursor, countOp, type Op, OpReader, type OpTotals, zeroOpTotals } from "./ops.ts";
import { DeltaReader, type DeltaReaderOptions } from "./reader.ts";

/** Where an entry lies in a flat image. Entries come in the order of their offsets. */
export interface AccountEntry {
  readonly path: string;
  /** Where its header begins. It ends where the next one's begins: padding belongs to it. */
  readonly headerOffset: number;
  readonly contentOffset: number;
  readonly contentBytes: number;
}

/** What of a delta makes one entry of the target. */
export interface FileAccount extends OpTotals {
  path: string;
  /** Bytes of the entry in the target: header, content and padding. The bytes by kind of op add up to it. */
  targetBytes: number;
  /**
   * Bytes of the delta that it costs: of each coded segment the share that it has of the raw bytes. An op's own bytes are
   * those of the entry that it begins in.
   */
  deltaBytes: number;
  /** Path of the file of the basis that most of its content comes from, if any does. */
  basisPath: string | undefined;
}

/** What the bytes of a delta are for. `deltaBytes` of all files, of what is outside them, and the framing add up to its size. */
export interface DeltaAccount {
  /** The entries of the target that cost something, in the target's order. */
  files: FileAccount[];
  /** The entries that cost nothing: they lie in ranges that are copied as a whole. */
  freeFiles: { count: number; targetBytes: number };
  /** What is outside all entries: the head of an image, the end of the archive, and everything when the target is no image. */
  outside: { targetBytes: number; deltaBytes: number };
  /** Header, window records, end. */
  framingBytes: number;
}

/** A window as the account needs it. */
export interface AccountWindow {
  targetBytes: number;
  /** Its ops: the control segment, decoded. */
  control: Uint8Array;
  segments: readonly { stream: StreamId; rawBytes: number; codedBytes: number }[];
}

/** Entries of a tar begin at multiples of this. */
const TAR_BLOCK_BYTES = 512;

const READS_BASIS: ReadonlySet<OpKind> = new Set([OpKind.COPY, OpKind.DIFF, OpKind.TOUCH]);

/** Tells what parts of a window's ops cost, in whole numbers that add up to the sizes of the coded segments. */
class SegmentMeter {
  readonly #segments: AccountWindow["segments"];
  readonly #ops: OpReader;
  /** Bytes of each segment that the ops before the present one have used, and what these cost together. */
  readonly #used: number[];
  #paid = 0;

  constructor(segments: AccountWindow["segments"], ops: OpReader) {
    this.#segments = segments;
    this.#ops = ops;
    this.#used = segments.map(() => 0);
  }

  /** What the present op costs from the part before, or its beginning, to where `done` of its bytes are made. */
  costUpTo(done: number): number {
    const before = this.#paid;
    const share = done / this.#ops.length;
    let paid = 0;
    for (let i = 0; i < this.#segments.length; i++) {
      const { stream, rawBytes, codedBytes } = this.#segments[i]!;
      const last = this.#used[i]!;
      // An op's own bytes are those of its beginning; what it takes of other segments, it takes evenly.
      const taken = this.#ops.usedOf(stream) - last;
      const used = last + (stream === StreamId.CONTROL ? taken : Math.round(taken * share));
      paid += used === rawBytes ? codedBytes : Math.floor((used / rawBytes) * codedBytes);
    }
    this.#paid = paid;
    return paid - before;
  }

  /** Go on to the next op. */
  endOp(): void {
    for (let i = 0; i < this.#used.length; i++) this.#used[i] = this.#ops.usedOf(this.#segments[i]!.stream);
  }
}

/** The entry being gone through, and where its content comes from. */
interface Open {
  file: FileAccount;
  /** Bytes of content by numbers of basis entries. */
  sources: Map<number, number>;
}

/**
 * Shares out the bytes of a delta among the entries of its target, window by window. It needs the ops and the sizes of the
 * segments, which whoever writes a delta has, and whoever reads it: both get the same account.
 *
 * Memory: one record for each entry that costs something.
 */
export class DeltaAccountant {
  readonly #basisBytes: number;
  /** Of an image whose head is computed, until that is passed: its bytes, and how many of these the ops make. */
  #head: { bytes: number; givenBytes: number } | undefined;
  readonly #target: readonly AccountEntry[];
  readonly #basis: readonly AccountEntry[];
  readonly #cursor = new BasisCursor();
  readonly #account: DeltaAccount = {
    files: [],
    freeFiles: { count: 0, targetBytes: 0 },
    outside: { targetBytes: 0, deltaBytes: 0 },
    framingBytes: 0,
  };
  /** The part of an op that is counted; one object for all, since there are millions. */
  readonly #part: Op = { kind: OpKind.COPY, length: 0, basisOffset: 0, byte: 0, timeShift: 0 };
  #open: Open | undefined;
  /** Number of the basis' entry that was found last: mostly the next one too. */
  #lastBasis = -1;
  /** Number of the entry that comes next. */
  #next = 0;
  /** Where the open entry, or what is outside the entries, ends. */
  #end: number;
  #offset = 0;
  #codedBytes = 0;

  /**
   * @param header - of the delta.
   * @param targetEntries - entries of the target; none when it is no image.
   * @param basisEntries - entries of the basis, for the paths that content comes from.
   */
  constructor(
    { basisBytes, envelope }: Pick<DeltaHeader, "basisBytes" | "envelope">,
    targetEntries: readonly AccountEntry[],
    basisEntries: readonly AccountEntry[],
  ) {
    this.#basisBytes = basisBytes;
    this.#head = envelope && { bytes: envelope.headBytes, givenBytes: givenConfigBytes(envelope) };
    this.#target = targetEntries;
    this.#basis = basisEntries;
    this.#end = this.#head?.givenBytes ?? targetEntries[0]?.headerOffset ?? Number.POSITIVE_INFINITY;
  }

  /** Take the next window. */
  addWindow({ targetBytes, control, segments }: AccountWindow): void {
    const sizes = new Map(segments.map((segment) => [segment.stream, segment]));
    const rawBytes = (stream: StreamId): number => sizes.get(stream)?.rawBytes ?? 0;
    for (const { codedBytes } of segments) this.#codedBytes += codedBytes;
    const computedBytes = this.#head === undefined ? 0 : this.#head.bytes - this.#head.givenBytes;
    const ops = new OpReader(
      control,
      {
        basisBytes: this.#basisBytes,
        windowBytes: targetBytes - computedBytes,
        literalBytes: rawBytes(StreamId.DATA),
        residualBytes: rawBytes(StreamId.RESIDUAL),
      },
      this.#cursor,
    );
    const meter = new SegmentMeter(segments, ops);
    while (ops.next()) this.#addOp(ops, meter);
    // The first window holds the whole head, and may hold nothing else.
    if (this.#head !== undefined) this.#passHead(this.#head);
  }

  #addOp(op: OpReader, meter: SegmentMeter): void {
    for (let done = 0; done < op.length; ) {
      while (this.#offset >= this.#end) this.#openNext();
      const part = Math.min(op.length - done, this.#end - this.#offset);
      done += part;
      this.#addPart(op, done - part, part, meter.costUpTo(done));
      this.#offset += part;
    }
    meter.endOp();
  }

  #addPart(op: OpReader, done: number, length: number, cost: number): void {
    if (this.#open === undefined) {
      this.#account.outside.targetBytes += length;
      this.#account.outside.deltaBytes += cost;
      return;
    }
    const { file, sources } = this.#open;
    file.targetBytes += length;
    file.deltaBytes += cost;
    this.#part.kind = op.kind;
    this.#part.length = length;
    countOp(file, this.#part);
    if (!READS_BASIS.has(op.kind)) return;
    const { contentOffset, contentBytes } = this.#target[this.#next - 1]!;
    const from = Math.max(contentOffset, this.#offset);
    const to = Math.min(contentOffset + contentBytes, this.#offset + length);
    if (from >= to) return;
    const number = this.#basisEntryAt(op.basisOffset + done + (from - this.#offset));
    if (number >= 0) sources.set(number, (sources.get(number) ?? 0) + to - from);
  }

  /** Number of the basis' entry that an offset lies in or behind; −1 before the first. */
  #basisEntryAt(offset: number): number {
    const last = this.#lastBasis;
    if (
      (this.#basis[last]?.headerOffset ?? Number.POSITIVE_INFINITY) <= offset &&
      offset < (this.#basis[last + 1]?.headerOffset ?? Number.POSITIVE_INFINITY)
    )
      return last;
    let low = 0;
    for (let high = this.#basis.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#basis[middle]!.headerOffset <= offset) low = middle + 1;
      else high = middle;
    }
    this.#lastBasis = low - 1;
    return low - 1;
  }

  #closeOpen(): void {
    if (this.#open === undefined) return;
    const { file, sources } = this.#open;
    this.#open = undefined;
    if (file.deltaBytes === 0) {
      this.#account.freeFiles.count++;
      this.#account.freeFiles.targetBytes += file.targetBytes;
      return;
    }
    let most = 0;
    for (const [number, bytes] of sources) {
      if (bytes <= most) continue;
      most = bytes;
      file.basisPath = this.#basis[number]!.path;
    }
    this.#account.files.push(file);
  }

  /** Go from the bytes of the head that the ops make to what is behind it. */
  #passHead({ bytes, givenBytes }: { bytes: number; givenBytes: number }): void {
    this.#head = undefined;
    this.#account.outside.targetBytes += bytes - givenBytes;
    this.#offset = bytes;
    while ((this.#target[this.#next]?.headerOffset ?? bytes) < bytes) this.#next++;
    this.#end = this.#target[this.#next]?.headerOffset ?? Number.POSITIVE_INFINITY;
  }

  #openNext(): void {
    if (this.#head !== undefined) {
      this.#passHead(this.#head);
      return;
    }
    this.#closeOpen();
    const entry = this.#target[this.#next++];
    if (entry === undefined) {
      this.#end = Number.POSITIVE_INFINITY;
      return;
    }
    const { path, contentOffset, contentBytes } = entry;
    this.#end =
      this.#target[this.#next]?.headerOffset ??
      Math.ceil((contentOffset + contentBytes) / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
    this.#open = {
      file: { path, targetBytes: 0, deltaBytes: 0, ...zeroOpTotals(), basisPath: undefined },
      sources: new Map(),
    };
  }

  /**
   * The account of all windows.
   *
   * @param deltaBytes - size of the delta.
   */
  finish(deltaBytes: number): DeltaAccount {
    this.#closeOpen();
    this.#account.framingBytes = deltaBytes - this.#codedBytes;
    return this.#account;
  }
}

/**
 * Read a delta and share out its bytes among the entries of its target.
 *
 * @param targetEntries - entries of the target that it makes; `FlatImage.index` tells them, as those of the basis.
 * @throws {@link FormatError}, {@link UnsupportedError}, {@link LimitError} as applying would.
 */
export async function accountDelta(
  delta: ByteInput,
  targetEntries: readonly AccountEntry[],
  basisEntries: readonly AccountEntry[],
  options: DeltaReaderOptions = {},
): Promise<DeltaAccount> {
  const reader = await DeltaReader.open(delta, options);
  const decoder = new WindowDecoder(reader.header);
  try {
    const accountant = new DeltaAccountant(reader.header, targetEntries, basisEntries);
    for await (const coded of reader.windows()) {
      const { control } = await decoder.open(coded);
      accountant.addWindow({
        targetBytes: coded.targetBytes,
        control,
        segments: coded.segments.map(({ stream, coded: { length: codedBytes } }) => ({
          stream,
          rawBytes: rawBytesOf(coded, stream),
          codedBytes,
        })),
      });
    }
    return accountant.finish(reader.position);
  } finally {
    decoder.close();
    await reader.close();
  }
}
