import { join } from "node:path";
import type { Source } from "../io/index.ts";
import { type FileSource, openFileSource } from "../io/node.ts";
import type { BlobStore } from "./archive.ts";
import { type ReadOciOptions, readOciStore } from "./oci.ts";
import type { Image } from "./types.ts";

/** The files of a folder as blobs. Names come from digests that were checked, so they stay inside the folder. */
function folderStore(folder: string): BlobStore {
  const files = new Map<string, FileSource>();
  return {
    open: async (path): Promise<Source | undefined> => {
      const known = files.get(path);
      if (known !== undefined) return known;
      const file = await openFileSource(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
        throw error;
      });
      if (file !== undefined) files.set(path, file);
      return file;
    },
    close: async () => {
      const open = [...files.values()];
      files.clear();
      await Promise.all(open.map((file) => file.close()));
    },
  };
}

/**
 * Read an image from an OCI layout in a folder, as `skopeo copy … oci:FOLDER` and `umoci` keep it. Everything else is
 * as with `readOciArchive`.
 */
export async function readOciFolder(folder: string, options: ReadOciOptions = {}): Promise<Image> {
  const store = folderStore(folder);
  try {
    return await readOciStore(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}
