import { ByteReader, ByteWriter, EMPTY_BYTES } from "../../bytes/index.ts";
import {
  codecName,
  decodeAlone,
  encodeAlone,
  firstAvailableCodec,
  getCodec,
  getCodecById,
} from "../../codec/index.ts";
import { ErrorCode, FormatError, StateError } from "../../errors.ts";
import { type Hash64Api, loadHash64 } from "../../hash/index.ts";
import { readRange, type StorageFile } from "../../io/index.ts";

/** What a piece of a step does: ops with offsets of their own, and their literal and residual bytes. */
export interface StepPiece {
  control: Uint8Array;
  data: Uint8Array;
  residual: Uint8Array;
  /** How many bytes of target it makes. */
  targetBytes: number;
}

/**
 * A step is written down in pieces of about this size: memory that it takes instead of the step's, whatever is new in it.
 *
 * @param stepBytes - target bytes of a step.
 */
export function pieceBytesOf(stepBytes: number): number {
  return Math.max(MIN_PIECE_BYTES, stepBytes / PIECES_PER_STEP);
}

/** Where the spool's index is, and its XXH64. */
export interface SpoolIndexPlace {
  offset: number;
  length: number;
  checksum: bigint;
}

interface PieceEntry {
  offset: number;
  targetBytes: number;
  codecId: number;
  /** Of each part, in the order of {@link partsOf}. */
  rawBytes: readonly number[];
  codedBytes: readonly number[];
  /** XXH64 of the coded parts. */
  checksum: bigint;
}

interface StepEntry {
  pieces: readonly PieceEntry[];
  /** XXH64 of the target bytes that the step makes. */
  contentChecksum: bigint;
}

// With 4 MiB steps that are half a MiB each: 8 MB less than whole steps, and the same speed.
const PIECES_PER_STEP = 8;
const MIN_PIECE_BYTES = 1 << 9;

const partsOf = ({ control, data, residual }: StepPiece): Uint8Array[] => [control, data, residual];

const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);

// What is written is read once, from a disk that is slower than any of these: what counts is how fast it is written. Brotli's
// lowest effort codes 200 to 350 MB a second in half of the bytes and less; fflate's deflate does 10 to 60.
const SETTINGS = { effort: 1, windowBits: 20 };
const SPOOL_CODECS = ["brotli", "deflate"] as const;
// What fills less than a block of the disk is not worth coding.
const MIN_CODED_BYTES = 1 << 12;

const MAX_INDEX_BYTES = 2 ** 28;
// A target byte takes one op of at most so many bytes, a literal or a residual byte.
const MAX_RECORD_EXPANSION = 32;

const NO_CODEC = getCodec("none");

/** Whether the writer may have used it. */
function isSpoolCodec(id: number): boolean {
  return ["none", ...SPOOL_CODECS].includes(codecName(id));
}

/**
 * Writes what a delta does, step by step, so that steps can be carried out in any order, and again after a power cut,
 * although the delta's codecs go on from segment to segment and need basis bytes that are overwritten by then.
 */
export class SpoolWriter {
  readonly #file: StorageFile;
  readonly #limitBytes: number;
  readonly #hash64: Hash64Api;
  readonly #codec = firstAvailableCodec(SPOOL_CODECS);
  /** The pieces of each step. */
  readonly #steps: PieceEntry[][] = [[]];
  #offset = 0;
  #pending: Promise<void> = Promise.resolve();

  private constructor(file: StorageFile, limitBytes: number, hash64: Hash64Api) {
    this.#file = file;
    this.#limitBytes = limitBytes;
    this.#hash64 = hash64;
  }

  /** @param limitBytes - what the delta's header declares. */
  static async create(file: StorageFile, limitBytes: number): Promise<SpoolWriter> {
    return new SpoolWriter(file, limitBytes, await loadHash64());
  }

  /**
   * Add the next piece. It is coded and written while the caller goes on, and may be overwritten once the next call is settled;
   * what fails shows there.
   *
   * @param endsStep - whether the next piece belongs to the next step.
   */
  async add(piece: StepPiece, endsStep: boolean): Promise<void> {
    await this.#pending;
    this.#pending = this.#write(piece, this.#steps.at(-1)!);
    this.#pending.catch(() => {});
    if (endsStep) this.#steps.push([]);
  }

  async #write(piece: StepPiece, pieces: PieceEntry[]): Promise<void> {
    const raw = partsOf(piece);
    const rawBytes = raw.map(({ length }) => length);
    let [codec, coded] = [this.#codec, raw];
    if (sum(rawBytes) >= MIN_CODED_BYTES) {
      coded = [];
      for (const part of raw) coded.push(part.length === 0 ? part : await encodeAlone(codec, part, SETTINGS));
    } else codec = NO_CODEC;
    let codedBytes = coded.map(({ length }) => length);
    if (sum(codedBytes) > sum(rawBytes)) [codec, coded, codedBytes] = [NO_CODEC, raw, rawBytes];
    const hash = this.#hash64.create();
    for (const part of coded) hash.update(part);
    const { targetBytes } = piece;
    const checksum = hash.digest();
    pieces.push({ offset: this.#offset, targetBytes, codecId: codec.id, rawBytes, codedBytes, checksum });
    for (const part of coded) await this.#append(part);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const end = this.#offset + bytes.length;
    if (end > this.#limitBytes) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `delta: applying it in place takes more than the ${this.#limitBytes} bytes of scratch space that it declares`,
      );
    }
    await this.#file.write(this.#offset, bytes);
    this.#offset = end;
  }

  /**
   * Write the index and sync the file.
   *
   * @param contentChecksums - the XXH64 of what each step makes.
   */
  async finish(contentChecksums: readonly bigint[]): Promise<SpoolIndexPlace> {
    await this.#pending;
    const out = new ByteWriter();
    for (const [step, contentChecksum] of contentChecksums.entries()) {
      const pieces = this.#steps[step]!;
      out.varint(pieces.length);
      for (const { offset, targetBytes, codecId, rawBytes, codedBytes, checksum } of pieces) {
        for (const value of [offset, targetBytes, codecId, ...rawBytes, ...codedBytes]) out.varint(value);
        out.u64(checksum);
      }
      out.u64(contentChecksum);
    }
    const index = out.view();
    const place = { offset: this.#offset, length: index.length, checksum: this.#hash64.hash(index) };
    await this.#append(index);
    await this.#file.sync();
    return place;
  }
}

function readPieceEntry(reader: ByteReader): PieceEntry {
  return {
    offset: reader.varint(),
    targetBytes: reader.varint(),
    codecId: reader.varint(),
    rawBytes: [reader.varint(), reader.varint(), reader.varint()],
    codedBytes: [reader.varint(), reader.varint(), reader.varint()],
    checksum: reader.u64(),
  };
}

function damaged(what: string): StateError {
  return new StateError(
    ErrorCode.BAD_STATE,
    `the interrupted update cannot go on: ${what} of its spool is damaged; pull the image as a whole`,
  );
}

/** Reads what {@link SpoolWriter} wrote. */
export class SpoolReader {
  readonly #file: StorageFile;
  readonly #steps: readonly StepEntry[];
  readonly #hash64: Hash64Api;
  readonly #coded = new ReusedMemory();
  readonly #raw = new ReusedMemory();

  private constructor(file: StorageFile, steps: readonly StepEntry[], hash64: Hash64Api) {
    this.#file = file;
    this.#steps = steps;
    this.#hash64 = hash64;
  }

  /**
   * @param layout - how many steps there are, and the target bytes of each.
   * @throws {@link StateError} `BAD_STATE` when the index is not the one that was written.
   */
  static async open(
    file: StorageFile,
    place: SpoolIndexPlace,
    layout: { stepCount: number; stepBytes: number },
  ): Promise<SpoolReader> {
    const hash64 = await loadHash64();
    if (place.offset + place.length > file.size || place.length > MAX_INDEX_BYTES) throw damaged("the index");
    const bytes = await readRange(file, place.offset, place.length);
    if (hash64.hash(bytes) !== place.checksum) throw damaged("the index");
    const reader = new ByteReader(bytes, { what: "spool index" });
    const steps: StepEntry[] = [];
    while (reader.remaining > 0) {
      const pieces: PieceEntry[] = [];
      for (let count = reader.varint(); count > 0; count--) pieces.push(readPieceEntry(reader));
      steps.push({ pieces, contentChecksum: reader.u64() });
    }
    const fits = ({ offset, codecId, rawBytes, codedBytes }: PieceEntry): boolean =>
      isSpoolCodec(codecId) &&
      offset + sum(codedBytes) <= place.offset &&
      sum(rawBytes) <= MAX_RECORD_EXPANSION * layout.stepBytes;
    const fitsStep = ({ pieces }: StepEntry): boolean =>
      pieces.every(fits) && sum(pieces.map(({ targetBytes }) => targetBytes)) <= layout.stepBytes;
    if (steps.length !== layout.stepCount || !steps.every(fitsStep)) throw damaged("the index");
    return new SpoolReader(file, steps, hash64);
  }

  /** XXH64 of the target bytes that a step makes. */
  contentChecksum(step: number): bigint {
    return this.#steps[step]!.contentChecksum;
  }

  /**
   * The pieces of a step, each valid until the next is asked for.
   *
   * @throws {@link StateError} `BAD_STATE` when one is not what was written.
   */
  async *pieces(step: number): AsyncGenerator<StepPiece, void, undefined> {
    for (const entry of this.#steps[step]!.pieces) yield await this.#read(entry, step);
  }

  async #read(entry: PieceEntry, step: number): Promise<StepPiece> {
    const { offset, targetBytes, codecId, rawBytes, codedBytes, checksum } = entry;
    const coded = this.#coded.get(sum(codedBytes));
    await this.#file.read(offset, coded);
    if (this.#hash64.hash(coded) !== checksum) throw damaged(`step ${step}`);
    const raw = this.#raw.get(sum(rawBytes));
    const [controlEnd, dataEnd] = [rawBytes[0]!, rawBytes[0]! + rawBytes[1]!];
    const piece = {
      control: raw.subarray(0, controlEnd),
      data: raw.subarray(controlEnd, dataEnd),
      residual: raw.subarray(dataEnd),
      targetBytes,
    };
    const codec = getCodecById(codecId);
    let at = 0;
    for (const [i, part] of partsOf(piece).entries()) {
      const end = at + codedBytes[i]!;
      if (part.length > 0) await decodeAlone(codec, coded.subarray(at, end), part);
      at = end;
    }
    return piece;
  }
}

/** Memory that grows to the largest that was asked for. */
class ReusedMemory {
  #bytes = EMPTY_BYTES;

  get(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}
