import { ByteReader, ByteWriter, EMPTY_BYTES } from "../../bytes/index.ts";
import { firstAvailableCodec, getCodec, getCodecById } from "../../codec/index.ts";
import { ErrorCode, FormatError, StateError } from "../../errors.ts";
import { type Hash64Api, loadHash64 } from "../../hash/index.ts";
import { readRange, type StorageFile } from "../../io/index.ts";

/** What one step does: ops with offsets of their own, and their literal and residual bytes. */
export interface StepRecord {
  control: Uint8Array;
  data: Uint8Array;
  residual: Uint8Array;
}

/** Where the spool's index is, and its XXH64. */
export interface SpoolIndexPlace {
  offset: number;
  length: number;
  checksum: bigint;
}

interface IndexEntry {
  offset: number;
  codecId: number;
  /** Of each part, in the order of {@link partsOf}. */
  rawBytes: readonly number[];
  codedBytes: readonly number[];
  /** XXH64 of the target bytes that the step makes. */
  contentChecksum: bigint;
  /** XXH64 of the coded record. */
  recordChecksum: bigint;
}

const partsOf = ({ control, data, residual }: StepRecord): Uint8Array[] => [control, data, residual];

const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);

// The record is read once, from a disk that is slower than any of these: what counts is how fast it is written. Brotli's
// lowest effort codes 200 to 350 MB a second in half of the bytes and less; fflate's deflate does 10 to 60.
const EFFORT = 1;
const WINDOW_BITS = 20;
const SPOOL_CODECS = ["brotli", "deflate"] as const;
// What fills less than a block of the disk is not worth coding.
const MIN_CODED_BYTES = 1 << 12;

const NO_CODEC = getCodec("none");

/**
 * Writes what a delta does, step by step, so that steps can be carried out in any order, and again after a power cut,
 * although the delta's codecs go on from segment to segment and need basis bytes that are overwritten by then.
 */
export class SpoolWriter {
  readonly #file: StorageFile;
  readonly #limitBytes: number;
  readonly #hash64: Hash64Api;
  readonly #codec = firstAvailableCodec(SPOOL_CODECS);
  readonly #index: IndexEntry[] = [];
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
   * Add the next step. It is coded and written while the caller goes on, and may be overwritten once the next call is settled; what
   * fails shows there.
   */
  async add(record: StepRecord): Promise<void> {
    await this.#pending;
    this.#pending = this.#write(record);
    this.#pending.catch(() => {});
  }

  async #write(record: StepRecord): Promise<void> {
    const raw = partsOf(record);
    const rawBytes = raw.map(({ length }) => length);
    let [codec, coded] = [this.#codec, raw];
    if (sum(rawBytes) >= MIN_CODED_BYTES) {
      const encoder = codec.createEncoder({ effort: EFFORT, windowBits: WINDOW_BITS });
      try {
        coded = [];
        for (const part of raw) coded.push(part.length === 0 ? part : await encoder.encode(part));
      } finally {
        encoder.close();
      }
    } else codec = NO_CODEC;
    let codedBytes = coded.map(({ length }) => length);
    if (sum(codedBytes) > sum(rawBytes)) [codec, coded, codedBytes] = [NO_CODEC, raw, rawBytes];
    const hash = this.#hash64.create();
    for (const part of coded) hash.update(part);
    const recordChecksum = hash.digest();
    this.#index.push({
      offset: this.#offset,
      codecId: codec.id,
      rawBytes,
      codedBytes,
      contentChecksum: 0n,
      recordChecksum,
    });
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
    for (const [step, entry] of this.#index.entries()) {
      for (const value of [entry.offset, entry.codecId, ...entry.rawBytes, ...entry.codedBytes])
        out.varint(value);
      out.u64(contentChecksums[step]!);
      out.u64(entry.recordChecksum);
    }
    const index = out.view();
    const place = { offset: this.#offset, length: index.length, checksum: this.#hash64.hash(index) };
    await this.#append(index);
    await this.#file.sync();
    return place;
  }
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
  readonly #index: readonly IndexEntry[];
  readonly #hash64: Hash64Api;
  readonly #coded = new ReusedMemory();
  readonly #raw = new ReusedMemory();

  private constructor(file: StorageFile, index: readonly IndexEntry[], hash64: Hash64Api) {
    this.#file = file;
    this.#index = index;
    this.#hash64 = hash64;
  }

  /** @throws {@link StateError} `BAD_STATE` when the index is not the one that was written. */
  static async open(file: StorageFile, place: SpoolIndexPlace, stepCount: number): Promise<SpoolReader> {
    const hash64 = await loadHash64();
    if (place.offset + place.length > file.size) throw damaged("the index");
    const bytes = await readRange(file, place.offset, place.length);
    if (hash64.hash(bytes) !== place.checksum) throw damaged("the index");
    const reader = new ByteReader(bytes, { what: "spool index" });
    const index: IndexEntry[] = [];
    while (reader.remaining > 0) {
      index.push({
        offset: reader.varint(),
        codecId: reader.varint(),
        rawBytes: [reader.varint(), reader.varint(), reader.varint()],
        codedBytes: [reader.varint(), reader.varint(), reader.varint()],
        contentChecksum: reader.u64(),
        recordChecksum: reader.u64(),
      });
    }
    if (index.length !== stepCount) throw damaged("the index");
    return new SpoolReader(file, index, hash64);
  }

  /** XXH64 of the target bytes that a step makes. */
  contentChecksum(step: number): bigint {
    return this.#index[step]!.contentChecksum;
  }

  /**
   * The record of a step, valid until the next call.
   *
   * @throws {@link StateError} `BAD_STATE` when it is not what was written.
   */
  async read(step: number): Promise<StepRecord> {
    const { offset, codecId, rawBytes, codedBytes, recordChecksum } = this.#index[step]!;
    const coded = this.#coded.get(sum(codedBytes));
    await this.#file.read(offset, coded);
    if (this.#hash64.hash(coded) !== recordChecksum) throw damaged(`step ${step}`);
    const raw = this.#raw.get(sum(rawBytes));
    const [controlEnd, dataEnd] = [rawBytes[0]!, rawBytes[0]! + rawBytes[1]!];
    const record = {
      control: raw.subarray(0, controlEnd),
      data: raw.subarray(controlEnd, dataEnd),
      residual: raw.subarray(dataEnd),
    };
    const decoder = getCodecById(codecId).createDecoder(2 ** WINDOW_BITS);
    try {
      let at = 0;
      for (const [i, part] of partsOf(record).entries()) {
        const end = at + codedBytes[i]!;
        if (part.length > 0) await decoder.decode(coded.subarray(at, end), part);
        at = end;
      }
    } finally {
      decoder.close();
    }
    return record;
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
