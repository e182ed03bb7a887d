import { equalBytes, toHex } from "../../bytes/index.ts";
import { ErrorCode, FormatError, MismatchError } from "../../errors.ts";
import { hashSource } from "../../hash/index.ts";
import {
  type ByteInput,
  type OnProgress,
  PagedSource,
  type Sink,
  type Source,
  StreamReader,
  toByteStream,
} from "../../io/index.ts";
import { DEFAULT_TARGET_LIMITS, type TargetLimits } from "../target-limits.ts";
import { TargetWriter } from "../target-writer.ts";
import type { RdiffOpTotals } from "./op-writer.ts";
import { RdiffOpReader } from "./read-ops.ts";

const BUFFER_BYTES = 1 << 18;

/** Options of {@link applyRdiffDelta}. */
export interface ApplyRdiffDeltaOptions {
  /** SHA-256 that the basis must have; it is read once more for that, before anything is written. */
  expectedBasisSha256?: Uint8Array | undefined;
  /** SHA-256 that the target must have. Without it a wrong basis or a damaged delta may go unnoticed. */
  expectedTargetSha256?: Uint8Array | undefined;
  /** Override some of {@link DEFAULT_TARGET_LIMITS}: the format does not say the target's size, copies of a small delta can make any. */
  limits?: Partial<TargetLimits> | undefined;
  signal?: AbortSignal | undefined;
  /** Phases: "check basis", "apply"; of the latter nobody knows before its end how many bytes it makes. */
  onProgress?: OnProgress | undefined;
}

/** What applying did. */
export interface ApplyRdiffDeltaResult extends RdiffOpTotals {
  basisBytes: number;
  targetBytes: number;
  targetSha256: Uint8Array;
  deltaBytes: number;
}

async function checkBasis(
  basis: Source,
  expected: Uint8Array,
  options: ApplyRdiffDeltaOptions,
): Promise<void> {
  const onBytes = (doneBytes: number): void =>
    options.onProgress?.({ phase: "check basis", doneBytes, totalBytes: basis.size });
  const actual = await hashSource(basis, { signal: options.signal, onBytes });
  if (equalBytes(actual, expected)) return;
  throw new MismatchError(
    ErrorCode.BASIS_MISMATCH,
    "the basis is not the one that was named; nothing was written",
    { expected: toHex(expected), actual: toHex(actual) },
  );
}

/** Gathers what ops make, and hands it on in larger pieces. */
class Output {
  readonly #target: TargetWriter;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;

  constructor(target: TargetWriter, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
  }

  get bytesMade(): number {
    return this.#target.bytesWritten + this.#filled;
  }

  /** Let `fill` write `length` bytes, as many at a time as there is room for. */
  async put(length: number, fill: (into: Uint8Array, done: number) => void | Promise<void>): Promise<void> {
    this.#target.reserve(this.#filled + length);
    for (let done = 0; done < length; ) {
      this.#signal?.throwIfAborted();
      const into = this.#buffer.subarray(this.#filled, this.#filled + length - done);
      // Awaited only where there is something to wait for: most copies are of cached pages.
      const filling = fill(into, done);
      if (filling !== undefined) await filling;
      this.#filled += into.length;
      done += into.length;
      if (this.#filled === BUFFER_BYTES) await this.flush();
    }
  }

  async flush(): Promise<void> {
    await this.#target.write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** Check that a copy lies in the basis. */
function checkCopy(offset: number, length: number, basisBytes: number, position: number): void {
  if (offset <= basisBytes - length) return;
  throw new FormatError(
    ErrorCode.CORRUPT_BODY,
    `expected a copy from the basis' ${basisBytes} bytes, found one of ${length} bytes from byte ${offset}; the delta is damaged, or was made against another basis`,
    { offset: position },
  );
}

/**
 * Make a target from a basis and a delta that `rdiff delta`, {@link createRdiffDelta} or balenaEngine wrote.
 *
 * The delta is read in order, the basis at any offset; memory is 1.5 MiB. The format has no checksum: whoever knows the digests of basis
 * or target should give them. What the sink got must not be used when this throws.
 *
 * ```ts
 * const basis = await openFileSource("old.bin");
 * const file = await createAtomicFile("new.bin");
 * await applyRdiffDelta(basis, await openFileSource("update.rdiff"), file, { expectedTargetSha256 });
 * await file.commit();
 * ```
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_BODY`, `TRAILING_DATA`; {@link MismatchError} `BASIS_MISMATCH` before the
 * first byte is written, `TARGET_MISMATCH`; {@link LimitError} `SIZE_LIMIT`.
 */
export async function applyRdiffDelta(
  basis: Source,
  delta: ByteInput,
  sink: Sink,
  options: ApplyRdiffDeltaOptions = {},
): Promise<ApplyRdiffDeltaResult> {
  const { expectedBasisSha256, expectedTargetSha256, signal, onProgress } = options;
  const input = new StreamReader(toByteStream(delta, signal), "the delta");
  const target = new TargetWriter(sink, {
    expectedTargetSha256,
    limits: { ...DEFAULT_TARGET_LIMITS, ...options.limits },
    inputBytes: () => basis.size + input.position,
  });
  try {
    const ops = await RdiffOpReader.open(input);
    if (expectedBasisSha256 !== undefined) await checkBasis(basis, expectedBasisSha256, options);
    const paged = new PagedSource(basis);
    const output = new Output(target, signal);
    const totals = { copiedBytes: 0, literalBytes: 0, opCount: 0 };
    for (let op = await ops.next(); op !== undefined; op = await ops.next()) {
      totals.opCount++;
      if (op.kind === "copy") {
        const { offset, length } = op;
        checkCopy(offset, length, basis.size, input.position);
        await output.put(length, (into, done) =>
          paged.tryRead(offset + done, into) ? undefined : paged.read(offset + done, into),
        );
        totals.copiedBytes += length;
      } else {
        await output.put(op.length, (into) => input.readInto(into));
        totals.literalBytes += op.length;
      }
      onProgress?.({ phase: "apply", doneBytes: output.bytesMade, totalBytes: output.bytesMade });
    }
    await output.flush();
    const targetBytes = target.bytesWritten;
    const targetSha256 = target.finish();
    return { ...totals, basisBytes: basis.size, targetBytes, targetSha256, deltaBytes: input.position };
  } finally {
    await input.close();
  }
}
