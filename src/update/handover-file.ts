import { readFile } from "node:fs/promises";
import { encodeUtf8 } from "../bytes/index.ts";
import { isDigest } from "../image/digest.ts";
import { createAtomicFile } from "../io/node.ts";
import type { HandoverRecord } from "./agent.ts";

/** What `runAgent` remembers, in a small file. One that is missing or damaged says nothing: the image is handed over again. */
export function fileHandover(path: string): HandoverRecord {
  return {
    read: async () => {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      const digest = text.trim();
      return isDigest(digest) ? digest : undefined;
    },
    write: async (digest) => {
      const file = await createAtomicFile(path);
      try {
        await file.write(encodeUtf8(`${digest}\n`));
        await file.commit();
      } catch (error) {
        await file.discard();
        throw error;
      }
    },
  };
}
