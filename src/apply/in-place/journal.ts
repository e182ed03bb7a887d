import { ByteReader, ByteWriter, concatBytes } from "../../bytes/index.ts";
import { isInPlaceLayout } from "../../delta/index.ts";
import { ErrorCode, UnsupportedError } from "../../errors.ts";
import { type Hash64Api, loadHash64, SHA256_BYTES } from "../../hash/index.ts";
import type { StorageFile, StorageFolder } from "../../io/index.ts";
import { FileName } from "./files.ts";
import type { SpoolIndexPlace } from "./spool.ts";

const JOURNAL_VERSION = 1;

// A disk that loses power while it writes a sector may lose all of that sector, and sectors have up to 4 KiB: so no record
// shares one with another.
const SLOT_BYTES = 1 << 12;

/** Which slot holds what. Steps take turns in two, so that the last one is there while the next is written. */
const Slot = { BEGIN: 0, PREPARED: 1, STARTED: 2 } as const;
const SLOT_COUNT = 4;

const SEAL_BYTES = 8;

/** Size of a journal. */
export const JOURNAL_BYTES = SLOT_COUNT * SLOT_BYTES;

/** Which update a journal is of. */
export interface UpdateIdentity {
  basisBytes: number;
  basisSha256: Uint8Array;
  targetBytes: number;
  targetSha256: Uint8Array;
  stepBytes: number;
  blockBytes: number;
  stashBytes: number;
}

/** The step that was begun last: all before it are done. */
export interface StartedStep {
  /** Its turn in the plan, from 1 on. */
  turn: number;
  /** XXH64 of the blocks that were stashed for it, one after another. */
  stashChecksum: bigint;
}

/** What a journal tells. */
export interface JournalState {
  identity: UpdateIdentity;
  /** Set once the spool is whole: from then on the delta is not needed any more. */
  prepared: SpoolIndexPlace | undefined;
  started: StartedStep | undefined;
}

function encodeIdentity(identity: UpdateIdentity): ByteWriter {
  const out = new ByteWriter();
  out.u8(JOURNAL_VERSION);
  out.varint(identity.basisBytes);
  out.bytes(identity.basisSha256);
  out.varint(identity.targetBytes);
  out.bytes(identity.targetSha256);
  for (const bytes of [identity.stepBytes, identity.blockBytes, identity.stashBytes]) out.varint(bytes);
  return out;
}

function decodeIdentity(reader: ByteReader): UpdateIdentity {
  const version = reader.u8();
  if (version !== JOURNAL_VERSION) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_VERSION,
      `the interrupted update was begun by another version of flatdelta: expected a journal of version ${JOURNAL_VERSION}, found ${version}`,
    );
  }
  const identity = {
    basisBytes: reader.varint(),
    basisSha256: reader.bytes(SHA256_BYTES),
    targetBytes: reader.varint(),
    targetSha256: reader.bytes(SHA256_BYTES),
    stepBytes: reader.varint(),
    blockBytes: reader.varint(),
    stashBytes: reader.varint(),
  };
  if (!isInPlaceLayout(identity))
    throw reader.corrupt(`steps of ${identity.stepBytes} bytes in blocks of ${identity.blockBytes}`);
  return identity;
}

/**
 * The record of how far an in-place update has come. Each record is synced before what it allows happens, and has a
 * checksum, which covers which update it is of: one that is torn, or of another update, counts as not written.
 */
export class Journal {
  readonly #file: StorageFile;
  readonly #hash64: Hash64Api;
  /** What the checksums of all but the first record begin with: that one's. */
  #update: Uint8Array = new Uint8Array(SEAL_BYTES);
  /** Number of the last record of a step. */
  #sequence = 0;

  private constructor(file: StorageFile, hash64: Hash64Api) {
    this.#file = file;
    this.#hash64 = hash64;
  }

  /** Begin the journal of an update, in place of any other. */
  static async create(folder: StorageFolder, identity: UpdateIdentity): Promise<Journal> {
    const journal = new Journal(await folder.openFile(FileName.JOURNAL, "new"), await loadHash64());
    journal.#update = await journal.#put(Slot.BEGIN, encodeIdentity(identity));
    await folder.sync();
    return journal;
  }

  /** Open the journal of an interrupted update; `undefined` when there is none that was begun. */
  static async open(folder: StorageFolder): Promise<{ journal: Journal; state: JournalState } | undefined> {
    if (!(await folder.list()).includes(FileName.JOURNAL)) return undefined;
    const journal = new Journal(await folder.openFile(FileName.JOURNAL, "existing"), await loadHash64());
    try {
      const state = await journal.#read();
      if (state !== undefined) return { journal, state };
    } catch (error) {
      await journal.close();
      throw error;
    }
    await journal.close();
    return undefined;
  }

  async #read(): Promise<JournalState | undefined> {
    const begin = await this.#get(Slot.BEGIN);
    if (begin === undefined) return undefined;
    const identity = decodeIdentity(begin.reader);
    this.#update = begin.seal;
    const prepared = (await this.#get(Slot.PREPARED))?.reader;
    let started: StartedStep | undefined;
    for (const slot of [Slot.STARTED, Slot.STARTED + 1]) {
      const reader = (await this.#get(slot))?.reader;
      const sequence = reader?.varint() ?? 0;
      if (reader === undefined || sequence <= this.#sequence) continue;
      this.#sequence = sequence;
      started = { turn: reader.varint(), stashChecksum: reader.u64() };
    }
    return {
      identity,
      prepared: prepared && {
        offset: prepared.varint(),
        length: prepared.varint(),
        checksum: prepared.u64(),
      },
      started,
    };
  }

  #seal(payload: Uint8Array): Uint8Array {
    const out = new ByteWriter();
    out.u64(this.#hash64.hash(concatBytes([this.#update, payload])));
    return out.view();
  }

  /** Write a record and sync it: a length, the payload, its checksum. */
  async #put(slot: number, payload: ByteWriter): Promise<Uint8Array> {
    const bytes = payload.view();
    const seal = this.#seal(bytes);
    await this.#file.write(slot * SLOT_BYTES, concatBytes([Uint8Array.of(bytes.length), bytes, seal]));
    await this.#file.sync();
    return seal;
  }

  /** A record, if it is there and whole. */
  async #get(slot: number): Promise<{ reader: ByteReader; seal: Uint8Array } | undefined> {
    const offset = slot * SLOT_BYTES;
    const record = new Uint8Array(Math.max(0, Math.min(SLOT_BYTES, this.#file.size - offset)));
    if (record.length === 0) return undefined;
    await this.#file.read(offset, record);
    const end = 1 + record[0]!;
    const payload = record.subarray(1, end);
    const seal = this.#seal(payload);
    if (end + SEAL_BYTES > record.length || seal.some((byte, i) => byte !== record[end + i]))
      return undefined;
    return { reader: new ByteReader(payload, { what: "journal" }), seal };
  }

  /** Record that the spool is whole and synced. */
  async prepared({ offset, length, checksum }: SpoolIndexPlace): Promise<void> {
    const out = new ByteWriter();
    out.varint(offset);
    out.varint(length);
    out.u64(checksum);
    await this.#put(Slot.PREPARED, out);
  }

  /** Record that a step begins: its stash is synced, and so is what the steps before it wrote. */
  async started({ turn, stashChecksum }: StartedStep): Promise<void> {
    const out = new ByteWriter();
    out.varint(++this.#sequence);
    out.varint(turn);
    out.u64(stashChecksum);
    await this.#put(Slot.STARTED + (this.#sequence % 2), out);
  }

  /** Make durable what is there. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
