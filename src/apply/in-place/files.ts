import type { StorageFolder } from "../../io/index.ts";

/** What an in-place update keeps in its scratch folder. */
export const FileName = {
  /** How far the update has come. */
  JOURNAL: "journal",
  /** What the delta says, step by step. */
  SPOOL: "spool",
  /** Old bytes that are still needed where new ones are already. */
  STASH: "stash",
} as const;

/** Remove what an update left behind: the journal first, so that nothing else is taken for one that goes on. */
export async function removeFiles(folder: StorageFolder): Promise<void> {
  const names = await folder.list();
  if (names.includes(FileName.JOURNAL)) {
    await folder.remove(FileName.JOURNAL);
    await folder.sync();
  }
  const rest = [FileName.SPOOL, FileName.STASH].filter((name) => names.includes(name));
  for (const name of rest) await folder.remove(name);
  if (rest.length > 0) await folder.sync();
}
