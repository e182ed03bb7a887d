/** What an interrupted in-place update leaves behind: journal, spool and stash, with the file half written. */
import { applyDeltaInPlace } from "../../../src/apply/index.ts";
import { ByteReader, ByteWriter, concatBytes, toHex } from "../../../src/bytes/index.ts";
import { loadHash64, sha256 } from "../../../src/hash/index.ts";
import { readRange } from "../../../src/io/index.ts";
import { makeDelta, makePairs } from "../../apply/in-place-pairs.ts";
import { PowerCut, SimulatedDisk } from "../../faults/disk.ts";
import { attempt, demandSame, type FuzzTarget } from "../target.ts";

const FILES = ["journal", "spool", "stash", "image"] as const;
const SLOT_BYTES = 4096;
const SEAL_BYTES = 8;

const { hash } = await loadHash64();

/** The files of a state as one input: each with its length before it. */
function pack(files: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter();
  for (const bytes of files) {
    out.varint(bytes.length);
    out.bytes(bytes);
  }
  return out.view().slice();
}

/** The files of an input; what is missing is empty. */
function unpack(input: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(input, { what: "state" });
  return FILES.map(() => {
    try {
      return reader.bytes(Math.min(reader.varint(), reader.remaining)).slice();
    } catch {
      return new Uint8Array(0);
    }
  });
}

async function diskOf(files: readonly Uint8Array[]): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.folder("").makeFolder("scratch");
  for (const [i, name] of FILES.entries()) {
    const folder = disk.folder(name === "image" ? "" : "scratch");
    const file = await folder.openFile(name, "new");
    await file.write(0, files[i]!);
    await file.close();
  }
  disk.settle();
  return disk;
}

async function update(disk: SimulatedDisk, delta?: Uint8Array): Promise<{ sha256: string; claimed: string }> {
  const file = await disk.folder("").openFile("image", "existing");
  try {
    const { targetSha256 } = await applyDeltaInPlace({ file, scratch: disk.folder("scratch") }, delta);
    return { sha256: toHex(sha256(await readRange(file, 0, file.size))), claimed: toHex(targetSha256) };
  } finally {
    await file.close();
  }
}

async function readFiles(disk: SimulatedDisk): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const name of FILES) {
    const folder = disk.folder(name === "image" ? "" : "scratch");
    if (!(await folder.list()).includes(name)) {
      files.push(new Uint8Array(0));
      continue;
    }
    const file = await folder.openFile(name, "existing");
    files.push(await readRange(file, 0, file.size));
    await file.close();
  }
  return files;
}

/** States in the middle of updates. */
async function seeds(): Promise<Uint8Array[]> {
  const states: Uint8Array[] = [];
  for (const pair of makePairs(14, 40, 1200)) {
    const delta = await makeDelta(pair);
    const empty = new Uint8Array(0);
    const whole = await diskOf([empty, empty, empty, pair.basis]);
    await update(whole, delta);
    const cut = await diskOf([empty, empty, empty, pair.basis]);
    cut.cutAt(Math.floor(whole.operations.length * 0.7));
    await update(cut, delta).catch((error: unknown) => {
      if (!(error instanceof PowerCut)) throw error;
    });
    const [state] = cut.states(1, 1);
    states.push(pack(await readFiles(state!)));
  }
  return states;
}

function sealSlot(journal: Uint8Array, slot: number, update: Uint8Array): Uint8Array | undefined {
  const at = slot * SLOT_BYTES;
  const length = journal[at];
  if (length === undefined || at + 1 + length + SEAL_BYTES > journal.length) return undefined;
  const payload = journal.subarray(at + 1, at + 1 + length);
  const seal = new ByteWriter();
  seal.u64(hash(concatBytes([update, payload])));
  journal.set(seal.view(), at + 1 + length);
  return seal.view();
}

/** Seal the journal's records anew, as whoever can write to the folder could. */
async function repair(input: Uint8Array): Promise<Uint8Array> {
  const [journal, spool, ...rest] = unpack(input) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const begin = sealSlot(journal, 0, new Uint8Array(SEAL_BYTES));
  if (begin === undefined) return input;
  fixSpool(journal, spool);
  for (const slot of [1, 2, 3]) sealSlot(journal, slot, begin);
  return pack([journal, spool, ...rest]);
}

/** Let the journal name the checksum that the spool's index has now. */
function fixSpool(journal: Uint8Array, spool: Uint8Array): void {
  try {
    const reader = new ByteReader(journal.subarray(SLOT_BYTES + 1, 2 * SLOT_BYTES), { what: "journal" });
    const [offset, length] = [reader.varint(), reader.varint()];
    if (offset + length > spool.length) return;
    const checksum = new ByteWriter();
    checksum.u64(hash(spool.subarray(offset, offset + length)));
    journal.set(checksum.view(), SLOT_BYTES + 1 + reader.position);
  } catch {
    // Not a record that names a place: nothing to mend.
  }
}

/** The parsers of an in-place update's state. */
export const inPlaceTarget: FuzzTarget = {
  name: "in-place",
  dictionary: [],
  seeds,
  repair,
  run: async (input) => {
    const disk = await diskOf(unpack(input));
    const done = await attempt(() => update(disk));
    if (!("code" in done)) demandSame(done.value.sha256, done.value.claimed, "digest after resuming");
  },
};
