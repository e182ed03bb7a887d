import { Readable } from "node:stream";
import { createDeflateRaw, inflateRawSync } from "node:zlib";
import { concatBytes, encodeUtf8, toHex } from "../bytes/index.ts";
import { sha256 } from "../hash/index.ts";
import { JOURNAL_NAME } from "../image/rootfs-site.ts";
import { readRange } from "../io/index.ts";
import { badJournal, type Journal, parseJournal } from "./journal-text.ts";
import type { TreeFolder } from "./tree-folder.ts";

export type { Journal };

const MAGIC = "flatdelta rootfs journal 1\n";
const DIGEST_CHARACTERS = 64;
const PART_NAME = "journal.part";
const MAX_JOURNAL_BYTES = 2 ** 29;

// Steps that become text at a time: a large update's are 4 MB of it, and a thirtieth when compressed.
const BATCH_STEPS = 256;

/** A list of the journal as JSON, without its brackets. */
function* encodeList(list: Iterable<unknown>): Generator<string, void, undefined> {
  let separator = "";
  const encode = (batch: readonly unknown[]): string => separator + JSON.stringify(batch).slice(1, -1);
  let batch: unknown[] = [];
  for (const step of list) {
    if (batch.push(step) < BATCH_STEPS) continue;
    yield encode(batch);
    separator = ",";
    batch = [];
  }
  if (batch.length > 0) yield encode(batch);
}

/** The journal as JSON, in pieces. */
function* encodeSteps(journal: Journal): Generator<string, void, undefined> {
  const { removals, folders, placements, attributes, ...rest } = journal;
  yield JSON.stringify(rest).slice(0, -1);
  for (const [name, list] of Object.entries({ removals, folders, placements, attributes })) {
    yield `,"${name}":[`;
    yield* encodeList(list);
    yield "]";
  }
  yield "}";
}

async function deflatePieces(pieces: Iterable<string>): Promise<Uint8Array> {
  const deflate = createDeflateRaw({ level: 1 });
  const source = Readable.from(pieces);
  source.once("error", (error) => deflate.destroy(error));
  const found: Uint8Array[] = [];
  for await (const piece of source.pipe(deflate)) found.push(piece as Uint8Array);
  return concatBytes(found);
}

/** The bytes of a journal's file. */
export async function encodeJournal(journal: Journal): Promise<Uint8Array> {
  const body = await deflatePieces(encodeSteps(journal));
  return concatBytes([encodeUtf8(`${MAGIC}${toHex(sha256(body))}\n`), body]);
}

/** Write a journal durably. From its appearance on the update is to be completed. */
export async function writeJournal(staging: TreeFolder, encoded: Uint8Array): Promise<void> {
  const file = await staging.openFile(PART_NAME, "new");
  try {
    await file.write(0, encoded);
    await file.sync();
  } finally {
    await file.close();
  }
  // The part is durable under its own name before it takes the other: no name ever leads to less than all of it.
  await staging.sync();
  await staging.rename(PART_NAME, JOURNAL_NAME);
  await staging.sync();
}

function inflateText(body: Uint8Array): string {
  try {
    return inflateRawSync(body, { maxOutputLength: MAX_JOURNAL_BYTES }).toString("utf8");
  } catch {
    throw badJournal("it cannot be decompressed");
  }
}

/**
 * The journal of an interrupted update, if there is one.
 *
 * @throws {@link StateError} `BAD_STATE` when it is damaged.
 */
export async function readJournal(staging: TreeFolder): Promise<Journal | undefined> {
  if ((await staging.stat(JOURNAL_NAME)) === undefined) return undefined;
  const file = await staging.openFile(JOURNAL_NAME, "existing");
  try {
    const headLength = MAGIC.length + DIGEST_CHARACTERS + 1;
    if (file.size < headLength || file.size > MAX_JOURNAL_BYTES)
      throw badJournal(`it has ${file.size} bytes`);
    const bytes = await readRange(file, 0, file.size, MAX_JOURNAL_BYTES);
    const body = bytes.subarray(headLength);
    const head = Buffer.from(bytes.subarray(0, headLength)).toString("latin1");
    if (!head.startsWith(MAGIC)) throw badJournal("it is of no known version");
    if (head !== `${MAGIC}${toHex(sha256(body))}\n`) throw badJournal("its checksum is wrong");
    return parseJournal(inflateText(body));
  } finally {
    await file.close();
  }
}

/** Remove a staging folder, its journal durably before all else. */
export async function removeStaging(parent: TreeFolder, name: string): Promise<void> {
  const staging = await parent.openFolder(name);
  try {
    const names = await staging.list();
    if (names.includes(JOURNAL_NAME)) {
      await staging.remove(JOURNAL_NAME);
      await staging.sync();
    }
    // Most of it has its place in the tree by now.
    for (const entry of names) if (entry !== JOURNAL_NAME) await staging.unlink(entry);
  } finally {
    await staging.close();
  }
  await parent.removeFolder(name);
  await parent.sync();
}
