import { copyBytes, EMPTY_BYTES, equalBytes, toHex } from "../bytes/index.ts";
import {
  countOp,
  type DecodedWindow,
  type DeltaHeader,
  type DeltaLimits,
  DeltaReader,
  type Op,
  OpKind,
  type OpTotals,
  WindowDecoder,
  zeroOpTotals,
} from "../delta/index.ts";
import { ErrorCode, FormatError, MismatchError } from "../errors.ts";
import { createSha256, loadHash64 } from "../hash/index.ts";
import {
  type ByteInput,
  type OnProgress,
  PagedSource,
  prefetch,
  type Sink,
  type Source,
  scanSource,
} from "../io/index.ts";
import { shiftHeaderTime, TAR_BLOCK_BYTES } from "../transform/index.ts";
import { TargetOutput } from "./output.ts";
import { addResidual } from "./residual.ts";

/** Options of {@link applyDelta}. */
export interface ApplyOptions {
  /** What the delta may ask for; the rest as in `DEFAULT_DELTA_LIMITS`. */
  limits?: Partial<DeltaLimits> | undefined;
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
}

async function checkBasis(basis: Source, header: DeltaHeader, options: ApplyOptions): Promise<void> {
  if (basis.size !== header.basisBytes) {
    throw new MismatchError(
      ErrorCode.BASIS_MISMATCH,
      `the delta was made against another basis: expected ${header.basisBytes} bytes, found ${basis.size}`,
      { expected: String(header.basisBytes), actual: String(basis.size) },
    );
  }
  const digest = createSha256();
  let doneBytes = 0;
  for await (const piece of scanSource(basis, { signal: options.signal })) {
    digest.update(piece);
    doneBytes += piece.length;
    options.onProgress?.({ phase: "check basis", doneBytes, totalBytes: basis.size });
  }
  const actual = digest.digest();
  if (!equalBytes(actual, header.basisSha256)) {
    const [expected, found] = [toHex(header.basisSha256), toHex(actual)];
    throw new MismatchError(
      ErrorCode.BASIS_MISMATCH,
      `the delta was made against another basis: expected SHA-256 ${expected}, found ${found}`,
      { expected, actual: found },
    );
  }
}

/** Carries out the ops of windows. */
class WindowApplier {
  readonly #basis: PagedSource;
  readonly #output: TargetOutput;
  readonly totals = zeroOpTotals();
  /** The segments of the present window, and how much of them is used. */
  #data = EMPTY_BYTES;
  #dataAt = 0;
  #residual = EMPTY_BYTES;
  #residualAt = 0;
  /** Whether the basis bytes of DIFF ops are added to `#residual` already. */
  #residualIsTarget = false;

  constructor(basis: Source, output: TargetOutput) {
    this.#basis = new PagedSource(basis);
    this.#output = output;
  }

  #readsBasis(op: Op): boolean {
    return op.kind === OpKind.COPY || (op.kind === OpKind.DIFF && !this.#residualIsTarget);
  }

  async #readBasis(offset: number, into: Uint8Array): Promise<void> {
    const reading = this.#basis.read(offset, into);
    this.#output.hashFlushed();
    await reading;
  }

  /** Decode a residual that takes the basis bytes of all DIFF ops of the window: they give the target's bytes at once. */
  async #makeResidualTarget(window: DecodedWindow, decoder: WindowDecoder): Promise<Uint8Array> {
    const target = new Uint8Array(window.residualBytes);
    let at = 0;
    const ops = decoder.peekOps(window);
    while (ops.next()) {
      if (ops.kind !== OpKind.DIFF) continue;
      if (!this.#basis.tryRead(ops.basisOffset, target, at, ops.length)) {
        await this.#basis.read(ops.basisOffset, target.subarray(at, at + ops.length));
      }
      at += ops.length;
    }
    addResidual(target, 0, await decoder.decodeResidual(window, target), 0, target.length);
    return target;
  }

  /** Make the next `length` bytes of an op whose basis range, if it has one, is in the output's buffer already. */
  #complete(op: Op, length: number): void {
    const { buffer, position } = this.#output;
    switch (op.kind) {
      case OpKind.COPY:
        break;
      case OpKind.DIFF:
        if (this.#residualIsTarget) copyBytes(this.#residual, this.#residualAt, buffer, position, length);
        else addResidual(buffer, position, this.#residual, this.#residualAt, length);
        this.#residualAt += length;
        break;
      case OpKind.DATA:
        copyBytes(this.#data, this.#dataAt, buffer, position, length);
        this.#dataAt += length;
        break;
      case OpKind.RUN:
        buffer.fill(op.byte, position, position + length);
    }
    this.#output.advance(length);
  }

  /** Carry out an op at once, if it fits what is buffered on both sides. A delta can have a million short ops. */
  #tryOp(op: Op): boolean {
    const { buffer, position, room } = this.#output;
    if (op.length > room) return false;
    if (this.#readsBasis(op) && !this.#basis.tryRead(op.basisOffset, buffer, position, op.length))
      return false;
    this.#complete(op, op.length);
    return true;
  }

  async #applyOp(op: Op): Promise<void> {
    for (let done = 0; done < op.length; ) {
      await this.#output.makeRoom();
      const { buffer, position, room } = this.#output;
      const length = Math.min(op.length - done, room);
      if (this.#readsBasis(op)) {
        await this.#readBasis(op.basisOffset + done, buffer.subarray(position, position + length));
      }
      this.#complete(op, length);
      done += length;
    }
  }

  /** Copy `length` bytes of the basis to the output. */
  async #copy(basisOffset: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      await this.#output.makeRoom();
      const { buffer, position, room } = this.#output;
      const piece = Math.min(length - done, room);
      if (!this.#basis.tryRead(basisOffset + done, buffer, position, piece)) {
        await this.#readBasis(basisOffset + done, buffer.subarray(position, position + piece));
      }
      this.#output.advance(piece);
      done += piece;
    }
  }

  /** Put bytes into the output. */
  async #put(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      await this.#output.makeRoom();
      const { buffer, position, room } = this.#output;
      const piece = Math.min(bytes.length - done, room);
      copyBytes(bytes, done, buffer, position, piece);
      this.#output.advance(piece);
      done += piece;
    }
  }

  /** Copy entries of a tar, moving the times in their headers. */
  async #touch({ basisOffset, length, timeShift }: Op): Promise<void> {
    const end = basisOffset + length;
    const header = new Uint8Array(TAR_BLOCK_BYTES);
    for (let at = basisOffset; at < end; ) {
      if (end - at >= TAR_BLOCK_BYTES && !this.#basis.tryRead(at, header)) await this.#basis.read(at, header);
      const contentBytes = end - at < TAR_BLOCK_BYTES ? -1 : shiftHeaderTime(header, timeShift);
      if (contentBytes < 0) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `delta: expected a tar header at ${at} of the basis, found other bytes`,
        );
      }
      await this.#put(header);
      at += TAR_BLOCK_BYTES;
      const copied = Math.min(contentBytes, end - at);
      await this.#copy(at, copied);
      at += copied;
    }
  }

  async apply(window: DecodedWindow, decoder: WindowDecoder): Promise<void> {
    this.#data = window.data;
    this.#residualIsTarget = window.codedResidual !== undefined;
    this.#residual = window.residual ?? EMPTY_BYTES;
    if (this.#residualIsTarget) this.#residual = await this.#makeResidualTarget(window, decoder);
    this.#dataAt = 0;
    this.#residualAt = 0;
    const ops = decoder.ops(window);
    while (ops.next()) {
      countOp(this.totals, ops);
      if (ops.kind === OpKind.TOUCH) await this.#touch(ops);
      else if (!this.#tryOp(ops)) await this.#applyOp(ops);
    }
  }
}

/**
 * Make the target of a delta from its basis, as a stream.
 *
 * The basis is read once to prove that it is the one that the delta names, before the first byte goes to `sink`; then
 * each window is checked as it is made, and at the end the SHA-256 of the whole. The bytes in `sink` may be used only
 * when the promise is fulfilled: give it `createAtomicFile` of `flatdelta/node`, and commit afterwards.
 *
 * Memory is bounded by the delta's segments (three of at most 1 MiB by default, for four windows), its codecs, and 10 MiB of buffers,
 * whatever the sizes of basis and target.
 *
 * @param basis - the basis, readable at any offset; it must not change meanwhile.
 * @param delta - the delta, in order.
 * @throws {@link MismatchError} `BASIS_MISMATCH` before anything was written, `TARGET_MISMATCH`;
 * {@link FormatError} for a damaged or truncated delta; {@link UnsupportedError}; {@link LimitError}.
 */
export async function applyDelta(
  basis: Source,
  delta: ByteInput,
  sink: Sink,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  const { signal, onProgress } = options;
  const reader = await DeltaReader.open(delta, { limits: options.limits, signal });
  let decoder: WindowDecoder | undefined;
  try {
    const { header } = reader;
    decoder = new WindowDecoder(header);
    await checkBasis(basis, header, options);
    const hash64 = await loadHash64();
    const digest = createSha256();
    const output = new TargetOutput(sink, digest, () => hash64.create());
    const applier = new WindowApplier(basis, output);
    for await (const window of prefetch(decodeWindows(reader, decoder), DECODE_AHEAD)) {
      signal?.throwIfAborted();
      const start = output.bytesMade;
      await applier.apply(window, decoder);
      if (output.endWindow() !== window.checksum) {
        throw new MismatchError(
          ErrorCode.TARGET_MISMATCH,
          "a window of the target does not have the checksum that the delta names: the delta is damaged, or the basis changed meanwhile",
          { offset: start },
        );
      }
      onProgress?.({ phase: "apply", doneBytes: output.bytesMade, totalBytes: header.targetBytes });
    }
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
    return {
      ...applier.totals,
      basisBytes: header.basisBytes,
      targetBytes: header.targetBytes,
      targetSha256,
      deltaBytes: reader.position,
      windowCount: reader.windowCount,
    };
  } finally {
    decoder?.close();
    await reader.close();
  }
}

// So many windows are decoded (on the thread pool) ahead of the one that is applied: with one, the two wait for each other;
// a third costs memory and gains nothing.
const DECODE_AHEAD = 2;

/** The windows of a delta, decoded. */
async function* decodeWindows(
  reader: DeltaReader,
  decoder: WindowDecoder,
): AsyncGenerator<DecodedWindow, void, undefined> {
  for await (const window of reader.windows()) yield await decoder.decode(window);
}
