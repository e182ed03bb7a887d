import { equalBytes, toHex } from "../bytes/index.ts";
import type { SegmentCoding } from "../codec/index.ts";
import {
  BasisCursor,
  type DeltaHeader,
  type DeltaLimits,
  DeltaReader,
  type OpReader,
  type OpTotals,
  WindowDecoder,
} from "../delta/index.ts";
import { ErrorCode, MismatchError } from "../errors.ts";
import { createSha256, type Hash64, hashSource, hashSource64, loadHash64 } from "../hash/index.ts";
import {
  type ByteInput,
  type OnProgress,
  PagedSource,
  prefetch,
  type ResumableSink,
  type Sink,
  type Source,
} from "../io/index.ts";
import { ExistingTarget } from "./existing.ts";
import { HashedSource } from "./hashed-source.ts";
import { HeadOutput } from "./head.ts";
import { OpKernel } from "./kernel/op-kernel.ts";
import { type OutputBuffers, TargetOutput } from "./output.ts";
import { type BegunWindow, decodesResidualsLate, type PreparedWindow, WindowPreparer } from "./prepare.ts";
import { type OnCopy, WindowApplier } from "./window-applier.ts";

// So many windows are prepared ahead of the one that is applied: decoders on threads then have work while the basis is
// checked, and windows of uneven cost even out. More gain 1 % each, and cost 1.5 MB each.
const PREPARE_AHEAD = 2;
// Without threads there is nothing to fill.
const INLINE_AHEAD = 1;

// Smaller than what is read elsewhere: 1 MiB costs two buffers more, and gains nothing where SHA-256 is what takes time.
const CHECK_CHUNK_BYTES = 1 << 18;

// Larger ones are no faster where decoders take their time.
const OUTPUT_BYTES = 1 << 19;
// Another thread writes them, and takes a tenth of that time to wake.
const FAST_OUTPUT_BYTES = 1 << 20;

// Where residuals are decoded in their window's turn: twice as many, since the bytes that their window adds to are wanted before those that
// it copies. Of a folder a page can be ten files.
const LATE_PAGES = { pages: 64 };

// As much as windows have that are made with the default settings. Those of others go without the kernel.
const KERNEL_SEGMENTS_BYTES = 3 << 19;

function createOutputBuffers({ targetBytes }: DeltaHeader): OutputBuffers {
  const bytes = Math.min(OUTPUT_BYTES, targetBytes);
  return [new Uint8Array(bytes), new Uint8Array(bytes)];
}

function createKernel({ basisBytes, targetBytes }: DeltaHeader): Promise<OpKernel | undefined> {
  const outputBytes = Math.min(FAST_OUTPUT_BYTES, targetBytes);
  return OpKernel.create({ basisBytes, outputBytes, segmentsBytes: KERNEL_SEGMENTS_BYTES });
}

/** Options of {@link applyDelta}. */
export interface ApplyOptions {
  /** What the delta may ask for; the rest as in `DEFAULT_DELTA_LIMITS`. */
  limits?: Partial<DeltaLimits> | undefined;
  /**
   * Where segments are decoded: in the calling thread unless said otherwise. `createCodingThreads` of
   * `flatdelta/codec/node` makes use of a second processor core.
   */
  segmentCoding?: SegmentCoding | undefined;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Phases: "check basis", "apply". */
  onProgress?: OnProgress | undefined;
}

/** What applying did. */
export interface ApplyResult extends OpTotals {
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  windowCount: number;
  /** Bytes of the target that an earlier run had made: see `ResumableSink`. */
  reusedBytes: number;
}

function checkBasisSize(basis: Source, header: DeltaHeader): void {
  if (basis.size !== header.basisBytes) {
    throw new MismatchError(
      ErrorCode.BASIS_MISMATCH,
      `the delta was made against another basis: expected ${header.basisBytes} bytes, found ${basis.size}`,
      { expected: String(header.basisBytes), actual: String(basis.size) },
    );
  }
}

function checkBasisDigest(actual: Uint8Array, header: DeltaHeader): void {
  if (!equalBytes(actual, header.basisSha256)) {
    const [expected, found] = [toHex(header.basisSha256), toHex(actual)];
    throw new MismatchError(
      ErrorCode.BASIS_MISMATCH,
      `the delta was made against another basis: expected SHA-256 ${expected}, found ${found}`,
      { expected, actual: found },
    );
  }
}

/** Check a basis by its XXH64. Only where that is another one is its SHA-256 computed, which decides and is what the error tells. */
async function checkBasis(
  xxh64: bigint,
  header: DeltaHeader,
  digest: () => Promise<Uint8Array>,
): Promise<void> {
  if (xxh64 !== header.basisXxh64) checkBasisDigest(await digest(), header);
}

/**
 * Make the target of a delta from its basis, as a stream.
 *
 * The basis is read once before the first byte goes to `sink`, to see by its XXH64 that it is the one that the delta names; then each window
 * is checked as it is made, and at the end the SHA-256 of the whole, which proves the target whatever it was made of. The bytes in `sink` may be used only
 * when the promise is fulfilled: give it `createAtomicFile` of `flatdelta/node`, and commit afterwards.
 *
 * Memory is bounded by the delta's segments (three of at most 512 KiB by default and their coded bytes, for three windows), its
 * codecs, and buffers of 7 MiB, or up to 21 where bytes of the basis are wanted again and again, whatever the sizes of basis and target.
 *
 * A run that broke off, since the delta did not arrive whole, can be continued: with a `ResumableSink`, such as
 * `createResumableFile` makes, the windows that are there already and have their checksums are neither made nor written again. Only
 * their part of the delta is decoded once more.
 *
 * @param basis - the basis, readable at any offset; it must not change meanwhile.
 * @param delta - the delta, in order.
 * @throws {@link MismatchError} `BASIS_MISMATCH`, before anything was written,
 * `TARGET_MISMATCH`;
 * {@link FormatError} for a damaged or truncated delta; {@link UnsupportedError}; {@link LimitError}.
 */
export async function applyDelta(
  basis: Source,
  delta: ByteInput,
  sink: Sink | ResumableSink,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  const reader = await DeltaReader.open(delta, { limits: options.limits, signal: options.signal });
  return applyOpened(basis, reader, sink, options);
}

/** What applying in place needs to know of applying as a stream. */
export interface WindowObserver {
  /** The basis was proven before. */
  readonly basisIsKnown?: boolean | undefined;
  /**
   * Let the XXH64 of the basis be computed from what is read of it anyway, and be compared at the end: for sinks whose bytes nobody
   * uses before the promise is fulfilled. Called where it is another one: gives the SHA-256, which decides.
   */
  digestBasis?(): Promise<Uint8Array>;
  /** See {@link OnCopy}. `targetOffset` is where in the target they go. */
  onCopy?(targetOffset: number, basisOffset: number, length: number): void;
  /**
   * A window was carried out and is right.
   *
   * @param ops - its ops, once more.
   * @param head - the head of a flat image where the delta computes it.
   */
  onWindow?(window: PreparedWindow, ops: OpReader, head: Uint8Array | undefined): Promise<void>;
}

/** Apply a delta whose header was read, as {@link applyDelta} does; the reader is closed. */
export async function applyOpened(
  basis: Source,
  reader: DeltaReader,
  sink: Sink,
  options: ApplyOptions,
  observer?: WindowObserver,
): Promise<ApplyResult> {
  const { signal, onProgress } = options;
  const observed = new BasisCursor();
  /** Of a basis that is hashed while the target is made: check it, once all is read. */
  let checkAlong: (() => Promise<void>) | undefined;
  let decoder: WindowDecoder | undefined;
  let windows: AsyncGenerator<BegunWindow, void, undefined> | undefined;
  try {
    const { header } = reader;
    const isKnown = observer?.basisIsKnown === true;
    if (!isKnown) checkBasisSize(basis, header);
    const digestBasis = async (): Promise<Uint8Array> =>
      observer?.digestBasis?.() ?? hashSource(basis, { chunkBytes: CHECK_CHUNK_BYTES, signal });
    const hashed =
      observer?.digestBasis === undefined || isKnown ? undefined : await HashedSource.over(basis, signal);
    if (hashed !== undefined) {
      let checked: Promise<void> | undefined;
      checkAlong = () =>
        (checked ??= hashed.digest().then((xxh64) => checkBasis(xxh64, header, digestBasis)));
    }
    decoder = new WindowDecoder(header, options.segmentCoding);
    const hash64 = await loadHash64();
    const digest = createSha256();
    const kernel = decoder.residualNeedsBasis ? undefined : await createKernel(header);
    const buffers = kernel?.outputs ?? createOutputBuffers(header);
    const startHash = (): Hash64 => kernel?.startHash() ?? hash64.create();
    const output = new TargetOutput(sink, digest, startHash, buffers);
    const existing = new ExistingTarget(sink, hash64);
    let reusedBytes = 0;
    const head = header.envelope && new HeadOutput(header.envelope, header);
    const isLate = decodesResidualsLate(decoder);
    const pages = new PagedSource(hashed ?? basis, kernel?.pages ?? (isLate ? LATE_PAGES : {}));
    const onCopy: OnCopy | undefined =
      observer?.onCopy && ((offset, length) => observer.onCopy!(output.bytesMade, offset, length));
    const applier = new WindowApplier(pages, output, head, kernel, onCopy);
    const ahead = options.segmentCoding === undefined ? INLINE_AHEAD : PREPARE_AHEAD;
    const preparer = new WindowPreparer(basis, pages, decoder, ahead + 1, observer?.onWindow !== undefined);
    windows = prefetch(preparer.windows(reader), ahead);
    // Decoding goes on while the basis is checked. What fails in it shows in its turn, when the basis is known to be right.
    const first = windows.next();
    first.catch(() => {});
    if (!isKnown && hashed === undefined) {
      const onBytes = (doneBytes: number): void =>
        onProgress?.({ phase: "check basis", doneBytes, totalBytes: basis.size });
      await checkBasis(await hashSource64(basis, { signal, onBytes }), header, digestBasis);
    }
    for (let next = await first; next.done !== true; next = await windows.next()) {
      const window = await next.value.prepared;
      signal?.throwIfAborted();
      const start = output.bytesMade;
      if (await existing.adopt(window.coded.targetBytes, window.coded.checksum, output)) {
        applier.skip(decoder.ops(window));
        // Its memory is used again by a later window.
        await window.finish();
        reusedBytes = output.bytesMade;
        continue;
      }
      await applier.apply(window, decoder.ops(window));
      if (output.endWindow() !== window.coded.checksum) {
        throw new MismatchError(
          ErrorCode.TARGET_MISMATCH,
          "a window of the target does not have the checksum that the delta names: the delta is damaged, or the basis changed meanwhile",
          { offset: start },
        );
      }
      await observer?.onWindow?.(window, decoder.ops(window, observed), head?.made);
      onProgress?.({ phase: "apply", doneBytes: output.bytesMade, totalBytes: header.targetBytes });
    }
    await existing.end(output);
    await output.finish();
    const targetSha256 = digest.digest();
    if (!equalBytes(targetSha256, header.targetSha256)) {
      const [expected, actual] = [toHex(header.targetSha256), toHex(targetSha256)];
      throw new MismatchError(
        ErrorCode.TARGET_MISMATCH,
        `expected a target with SHA-256 ${expected}, made one with ${actual}`,
        { expected, actual },
      );
    }
    await checkAlong?.();
    // Not after an error: sink or basis may be at work in its memory then.
    await pages.settle();
    kernel?.close();
    return {
      ...applier.totals,
      basisBytes: header.basisBytes,
      targetBytes: header.targetBytes,
      targetSha256,
      deltaBytes: reader.position,
      windowCount: reader.windowCount,
      reusedBytes,
    };
  } catch (error) {
    // Whatever a wrong basis breaks is its consequence and no news.
    if (signal?.aborted !== true) await checkAlong?.();
    throw error;
  } finally {
    await windows?.return();
    decoder?.close();
    await reader.close();
  }
}
