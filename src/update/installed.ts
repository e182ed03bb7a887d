import { decodeUtf8, encodeUtf8 } from "../bytes/index.ts";
import { isDigest } from "../image/digest.ts";
import { readRange, type StorageFolder } from "../io/index.ts";
import type { Digest } from "./source.ts";

const NAME = "installed.json";
const MAX_BYTES = 1 << 16;

/**
 * Which release's image is here, kept where the source does not tell the digest of its flat image: without it the next run
 * would pull the same image again.
 */
export interface InstalledRelease {
  readonly identity: string;
  readonly digest: Digest;
}

/** The note that the last update has left; `undefined` when there is none that can be read. */
export async function readInstalled(work: StorageFolder): Promise<InstalledRelease | undefined> {
  if (!(await work.list()).includes(NAME)) return undefined;
  const file = await work.openFile(NAME, "existing");
  try {
    if (file.size > MAX_BYTES) return undefined;
    const found = parseNote(await readRange(file, 0, file.size));
    return typeof found?.identity === "string" && isDigest(found.digest)
      ? { identity: found.identity, digest: found.digest }
      : undefined;
  } finally {
    await file.close();
  }
}

function parseNote(bytes: Uint8Array): Partial<InstalledRelease> | null | undefined {
  try {
    return JSON.parse(decodeUtf8(bytes)) as Partial<InstalledRelease> | null;
  } catch {
    // Lost in a power cut: it costs one pull.
    return undefined;
  }
}

/** Leave a note, or take the old one away. */
export async function writeInstalled(
  work: StorageFolder,
  installed: InstalledRelease | undefined,
): Promise<void> {
  if (installed === undefined) {
    if ((await work.list()).includes(NAME)) await work.remove(NAME);
    return;
  }
  const file = await work.openFile(`${NAME}.new`, "new");
  try {
    await file.write(0, encodeUtf8(JSON.stringify(installed)));
    await file.sync();
  } finally {
    await file.close();
  }
  await work.rename(`${NAME}.new`, NAME);
  await work.sync();
}
