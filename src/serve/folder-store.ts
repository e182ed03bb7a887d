import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { createAtomicFile, openFileSource } from "../io/node.ts";
import type { ServiceStore, StoredFile } from "./store.ts";

const FOLDERS = ["release", "image", "delta"] as const;
const DRAFTS = "draft";
const NAME = new RegExp(`^(?:${FOLDERS.join("|")})/[0-9a-z]+\\.[a-z]+$`, "u");

/**
 * Keep a service's files in a folder, which is made when it is missing. One service at a time may use it.
 *
 * What is written appears complete, synced and under its name, or not at all. When a file was last used is its time of
 * modification.
 *
 * @throws the operating system's error (`EACCES`, `ENOTDIR`, …).
 */
export async function createFolderStore(folder: string): Promise<ServiceStore> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  // Drafts that nobody finished are all that a process which was killed leaves behind.
  await rm(join(folder, DRAFTS), { recursive: true, force: true });
  await mkdir(join(folder, DRAFTS));
  const at = (name: string): string => {
    if (!NAME.test(name))
      throw new TypeError(`expected the name of a stored file, got ${JSON.stringify(name)}`);
    return join(folder, name);
  };
  let draftCount = 0;
  return {
    list: async () => {
      const files: StoredFile[] = [];
      for (const part of FOLDERS) {
        for (const entry of await readdir(join(folder, part))) {
          const name = `${part}/${entry}`;
          if (!NAME.test(name)) continue;
          const { size, mtimeMs } = await stat(at(name));
          files.push({ name, sizeBytes: size, usedMs: mtimeMs });
        }
      }
      return files;
    },
    open: async (name) => {
      const path = at(name);
      return { ...(await openFileSource(path)), path };
    },
    create: async () => {
      const file = await createAtomicFile(join(folder, DRAFTS, String(draftCount++)));
      return {
        path: file.temporaryPath,
        write: file.write,
        commit: (name) => file.commit(at(name)),
        discard: file.discard,
      };
    },
    touch: async (name, usedMs) => utimes(at(name), usedMs / 1000, usedMs / 1000),
    remove: async (name) => rm(at(name), { force: true }),
  };
}
