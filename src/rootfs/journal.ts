import { deflateRawSync, inflateRawSync } from "node:zlib";
import { encodeUtf8, toHex } from "../bytes/index.ts";
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

/** Write the journal durably. From its appearance on the update is to be completed. Returns its bytes. */
export async function writeJournal(staging: TreeFolder, journal: Journal): Promise<number> {
  const body = new Uint8Array(deflateRawSync(JSON.stringify(journal), { level: 1 }));
  const head = encodeUtf8(`${MAGIC}${toHex(sha256(body))}\n`);
  const file = await staging.openFile(PART_NAME, "new");
  try {
    await file.write(0, head);
    await file.write(head.length, body);
    await file.sync();
  } finally {
    await file.close();
  }
  // The part is durable under its own name before it takes the other: no name ever leads to less than all of it.
  await staging.sync();
  await staging.rename(PART_NAME, JOURNAL_NAME);
  await staging.sync();
  return head.length + body.length;
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
    for (const entry of names) if (entry !== JOURNAL_NAME) await staging.remove(entry);
  } finally {
    await staging.close();
  }
  await parent.removeFolder(name);
  await parent.sync();
}
