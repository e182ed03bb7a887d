import { EMPTY_BYTES } from "../../bytes/index.ts";
import { ErrorCode, FormatError, MismatchError, UnsupportedError } from "../../errors.ts";
import {
  type ByteInput,
  isReadableSink,
  type OnProgress,
  PagedSource,
  type Sink,
  type Source,
} from "../../io/index.ts";
import { TargetWriter } from "../target-writer.ts";
import { adler32 } from "./adler32.ts";
import { DEFAULT_VCDIFF_LIMITS, type VcdiffLimits } from "./format.ts";
import { type CodedVcdiffWindow, VcdiffReader } from "./reader.ts";
import { decodeWindow, type VcdiffTotals, zeroVcdiffTotals } from "./window-decoder.ts";

/** Options of {@link applyVcdiff}. */
export interface ApplyVcdiffOptions {
  /** SHA-256 of the target, where it is known: the format does not tell. */
  expectedTargetSha256?: Uint8Array | undefined;
  /** What the file may ask for; the rest as in {@link DEFAULT_VCDIFF_LIMITS}. */
  limits?: Partial<VcdiffLimits> | undefined;
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Phase: "apply". How much it is altogether nobody knows; `totalBytes` is what is done. */
  onProgress?: OnProgress | undefined;
}

/** What {@link applyVcdiff} did. */
export interface ApplyVcdiffResult extends VcdiffTotals {
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
  windowCount: number;
  /** Bytes of the target whose windows have Adler-32 checksums, which are right. */
  checkedBytes: number;
}

/**
 * Make the target of a VCDIFF file (RFC 3284) from its basis.
 *
 * Reads the standard's format with the default code table, and what xdelta3 adds to it: checksums of windows and the
 * application header. Sections that a secondary compressor has been at are refused: `xdelta3 -S none` makes none.
 *
 * The format names neither basis nor target. Windows with checksums tell a wrong basis mostly; where there are none, only
 * `expectedTargetSha256` does. The bytes in `sink` may be used only when the promise is fulfilled.
 *
 * Memory: one target window, which may be 64 MiB by default, its part of the file, and 1 MiB of the basis.
 *
 * ```ts
 * const file = await createAtomicFile("new.bin");
 * await applyVcdiff(await openFileSource("old.bin"), await openFileSource("update.vcdiff"), file, { expectedTargetSha256 });
 * await file.commit();
 * ```
 *
 * @param basis - the basis, readable at any offset; it must not change meanwhile.
 * @param delta - the VCDIFF file, in order.
 * @param sink - where the target goes. Files that copy from their own target need a `ReadableSink`.
 * @throws {@link FormatError} for a damaged or truncated file; {@link MismatchError} `BASIS_MISMATCH` when it copies from
 * behind the basis' end, `TARGET_MISMATCH` when a checksum or the digest is not the expected one; {@link UnsupportedError};
 * {@link LimitError}.
 */
export function applyVcdiff(
  basis: Source,
  delta: ByteInput,
  sink: Sink,
  options: ApplyVcdiffOptions = {},
): Promise<ApplyVcdiffResult> {
  return runVcdiff(basis, delta, sink, options, checkAdler32);
}

/**
 * Make the target as {@link applyVcdiff} does.
 *
 * @param checkWindow - proves a target window that has a checksum.
 */
export async function runVcdiff(
  basis: Source,
  delta: ByteInput,
  sink: Sink,
  options: ApplyVcdiffOptions,
  checkWindow: (window: CodedVcdiffWindow, target: Uint8Array) => void,
): Promise<ApplyVcdiffResult> {
  const { limits, signal, onProgress, expectedTargetSha256 } = options;
  const basisPages = new PagedSource(basis);
  const totals = zeroVcdiffTotals();
  const reader = await VcdiffReader.open(delta, { limits, signal });
  let buffer = EMPTY_BYTES;
  let checkedBytes = 0;
  try {
    const output = new TargetWriter(sink, {
      expectedTargetSha256,
      limits: { ...DEFAULT_VCDIFF_LIMITS, ...limits },
      inputBytes: () => basis.size + reader.position,
    });
    for await (const window of reader.windows()) {
      signal?.throwIfAborted();
      output.reserve(window.targetBytes);
      checkCompression(window, reader);
      if (buffer.length < window.targetBytes) buffer = new Uint8Array(window.targetBytes);
      const target = buffer.subarray(0, window.targetBytes);
      await decodeWindow(window, openSegments(window, basisPages, sink, output), target, totals);
      if (window.adler32 !== undefined) {
        checkWindow(window, target);
        checkedBytes += target.length;
      }
      await output.write(target);
      const doneBytes = output.bytesWritten;
      onProgress?.({ phase: "apply", doneBytes, totalBytes: doneBytes });
    }
    return {
      ...totals,
      targetBytes: output.bytesWritten,
      targetSha256: output.finish(),
      deltaBytes: reader.position,
      windowCount: reader.windowCount,
      checkedBytes,
    };
  } finally {
    await reader.close();
  }
}

function checkCompression({ isCompressed, offset }: CodedVcdiffWindow, { header }: VcdiffReader): void {
  if (!isCompressed) return;
  if (header.secondaryCompressor === undefined) {
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      "VCDIFF: expected no compressed sections since the header names no compressor, found some in the window",
      { offset },
    );
  }
  throw new UnsupportedError(
    ErrorCode.UNSUPPORTED_FEATURE,
    `expected a VCDIFF file without secondary compression, found ${header.secondaryCompressor}; make it with xdelta3 -S none`,
    { offset },
  );
}

/** What a window's source segment is a part of. */
function openSegments(
  { source, offset }: CodedVcdiffWindow,
  basis: PagedSource,
  sink: Sink,
  output: TargetWriter,
): PagedSource | undefined {
  if (source === undefined) return undefined;
  const size = source.of === "basis" ? basis.size : output.bytesWritten;
  if (source.offset > size - source.length) {
    const message = `the VCDIFF file copies from bytes ${source.offset} to ${source.offset + source.length} of the ${source.of}, which has ${size}`;
    throw source.of === "basis"
      ? new MismatchError(ErrorCode.BASIS_MISMATCH, message, { offset })
      : new FormatError(ErrorCode.CORRUPT_BODY, message, { offset });
  }
  if (source.of === "basis") return basis;
  if (!isReadableSink(sink)) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "the VCDIFF file copies from its own target: expected a sink that what is written can be read from",
      { offset },
    );
  }
  return new PagedSource({ size, read: (at, into) => sink.readWritten(at, into) });
}

function checkAdler32(window: CodedVcdiffWindow, target: Uint8Array): void {
  const sum = adler32(target);
  if (sum === window.adler32) return;
  const [expected, actual] = [toHex32(window.adler32!), toHex32(sum)];
  throw new MismatchError(
    ErrorCode.TARGET_MISMATCH,
    `expected a target window with Adler-32 ${expected}, made one with ${actual}: the delta is damaged, or the basis is another one`,
    { offset: window.offset, expected, actual },
  );
}

const toHex32 = (value: number): string => value.toString(16).padStart(8, "0");
