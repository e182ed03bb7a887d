import { ErrorCode, FormatError, LimitError } from "../../errors.ts";
import { type OnProgress, PagedSource, type Sink, type Source, type StreamReader } from "../../io/index.ts";
import { TargetWriter } from "../target-writer.ts";
import { type BsdiffLimits, DEFAULT_BSDIFF_LIMITS, INTEGER_BYTES, readBsdiffInteger } from "./format.ts";
import { type BsdiffInfo, type BsdiffStreams, openBsdiff } from "./reader.ts";

/** Options of {@link applyBsdiff}. */
export interface ApplyBsdiffOptions {
  /** SHA-256 of the target, where it is known: the format does not tell. */
  expectedTargetSha256?: Uint8Array | undefined;
  /** What the file may ask for; the rest as in {@link DEFAULT_BSDIFF_LIMITS}. */
  limits?: Partial<BsdiffLimits> | undefined;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Phase: "apply". */
  onProgress?: OnProgress | undefined;
}

/** What {@link applyBsdiff} did. */
export interface ApplyBsdiffResult {
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  /** Bytes that are sums of basis bytes and of others in the file. */
  diffBytes: number;
  /** Bytes that are in the file. */
  literalBytes: number;
  entryCount: number;
}

const PIECE_BYTES = 1 << 16;

/**
 * Make the target of a bsdiff file from its basis: `BSDIFF40`, which bsdiff 4 writes, and `ENDSLEY/BSDIFF43`.
 *
 * The format names neither basis nor target: with a wrong basis it makes a wrong target and says nothing. Only
 * `expectedTargetSha256` tells. Damage shows, since bzip2 has checksums.
 *
 * Memory: some 9 MB for each of three bzip2 streams and 1 MiB of the basis, whatever the sizes.
 *
 * ```ts
 * const file = await createAtomicFile("new.bin");
 * await applyBsdiff(await openFileSource("old.bin"), await openFileSource("update.bsdiff"), file, { expectedTargetSha256 });
 * await file.commit();
 * ```
 *
 * @param basis - the basis, readable at any offset; it must not change meanwhile. Bytes outside of it count as zeros.
 * @param delta - the bsdiff file; its three parts are read side by side.
 * @throws {@link FormatError} for a damaged or truncated file; {@link MismatchError} `TARGET_MISMATCH` when the digest is not the
 * expected one; {@link LimitError} `SIZE_LIMIT`, `COUNT_LIMIT`.
 */
export async function applyBsdiff(
  basis: Source,
  delta: Source | Uint8Array,
  sink: Sink,
  options: ApplyBsdiffOptions = {},
): Promise<ApplyBsdiffResult> {
  const { signal, onProgress, expectedTargetSha256 } = options;
  const limits = { ...DEFAULT_BSDIFF_LIMITS, ...options.limits };
  const { info, openStreams } = await openBsdiff(delta);
  const output = new TargetWriter(sink, {
    expectedTargetSha256,
    limits,
    inputBytes: () => basis.size + info.deltaBytes,
  });
  output.reserve(info.targetBytes);
  const streams = openStreams(signal);
  const target = new BsdiffTarget(new PagedSource(basis), streams, output);
  try {
    const control = new Uint8Array(3 * INTEGER_BYTES);
    let entryCount = 0;
    while (output.bytesWritten < info.targetBytes) {
      signal?.throwIfAborted();
      if (entryCount === limits.entryCount) {
        throw new LimitError(
          ErrorCode.COUNT_LIMIT,
          `the bsdiff file has more than ${limits.entryCount} entries; raise limits.entryCount if you trust it`,
        );
      }
      await streams.control.readInto(control);
      await target.make(readEntry(control), info);
      entryCount++;
      onProgress?.({ phase: "apply", doneBytes: output.bytesWritten, totalBytes: info.targetBytes });
    }
    await checkEnds(streams);
    return {
      targetBytes: output.bytesWritten,
      targetSha256: output.finish(),
      deltaBytes: info.deltaBytes,
      diffBytes: target.diffBytes,
      literalBytes: output.bytesWritten - target.diffBytes,
      entryCount,
    };
  } finally {
    for (const stream of new Set(Object.values(streams))) await stream.close();
  }
}

interface ControlEntry {
  /** Bytes to add to those of the basis. */
  readonly diffBytes: number;
  /** Bytes to take as they are. */
  readonly extraBytes: number;
  /** How far to move on in the basis then. */
  readonly seekBytes: number;
}

function readEntry(bytes: Uint8Array): ControlEntry {
  const [diffBytes, extraBytes, seekBytes] = [0, 1, 2].map((i) =>
    readBsdiffInteger(bytes, i * INTEGER_BYTES, ErrorCode.CORRUPT_BODY),
  ) as [number, number, number];
  return { diffBytes, extraBytes, seekBytes };
}

/** Makes a target entry by entry. */
class BsdiffTarget {
  readonly #basis: PagedSource;
  readonly #streams: BsdiffStreams;
  readonly #output: TargetWriter;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  readonly #old = new Uint8Array(PIECE_BYTES);
  /** Where in the basis the next entry reads; it may be outside. */
  #basisAt = 0;
  #diffBytes = 0;

  constructor(basis: PagedSource, streams: BsdiffStreams, output: TargetWriter) {
    this.#basis = basis;
    this.#streams = streams;
    this.#output = output;
  }

  /** Bytes made as sums so far. */
  get diffBytes(): number {
    return this.#diffBytes;
  }

  async make({ diffBytes, extraBytes, seekBytes }: ControlEntry, { targetBytes }: BsdiffInfo): Promise<void> {
    const left = targetBytes - this.#output.bytesWritten;
    if (diffBytes < 0 || extraBytes < 0 || diffBytes > left || extraBytes > left - diffBytes) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `bsdiff: expected entries for ${left} more bytes, found one of ${diffBytes} and ${extraBytes}`,
      );
    }
    await this.#put(this.#streams.diff, diffBytes, (piece) => this.#addBasis(piece));
    this.#diffBytes += diffBytes;
    await this.#put(this.#streams.extra, extraBytes);
    this.#basisAt += seekBytes;
    if (!Number.isSafeInteger(this.#basisAt))
      throw new FormatError(ErrorCode.CORRUPT_BODY, "bsdiff: an entry moves to beyond 2^53 bytes");
  }

  async #put(
    from: StreamReader,
    length: number,
    change?: (piece: Uint8Array) => Promise<void>,
  ): Promise<void> {
    for (let done = 0; done < length; ) {
      const piece = this.#piece.subarray(0, Math.min(PIECE_BYTES, length - done));
      await from.readInto(piece);
      await change?.(piece);
      await this.#output.write(piece);
      done += piece.length;
    }
  }

  async #addBasis(piece: Uint8Array): Promise<void> {
    const start = this.#basisAt;
    this.#basisAt += piece.length;
    const from = Math.max(0, start);
    const length = Math.min(this.#basis.size, start + piece.length) - from;
    if (length <= 0) return;
    const old = this.#old.subarray(0, length);
    if (!this.#basis.tryRead(from, old)) await this.#basis.read(from, old);
    for (let i = 0, at = from - start; i < length; i++) piece[at + i]! += old[i]!;
  }
}

/** Nothing may be left: so the last checksums are checked, too. */
async function checkEnds(streams: BsdiffStreams): Promise<void> {
  for (const stream of Object.values(streams) as StreamReader[]) {
    if (!(await stream.ended())) {
      throw new FormatError(
        ErrorCode.TRAILING_DATA,
        "bsdiff: expected the end of all streams, found more bytes",
      );
    }
  }
}
