import { concatBytes } from "../../src/bytes/index.ts";
import type { EntrySpan, IndexedInput } from "../../src/encode/index.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { memorySource } from "../../src/io/index.ts";

/** Files laid out as in a tar: a header of 512 bytes, content, zeros up to the next 512. */
export async function indexFiles(files: ReadonlyMap<string, Uint8Array>): Promise<IndexedInput> {
  const { hash } = await loadHash64();
  const parts: Uint8Array[] = [];
  const entries: EntrySpan[] = [];
  let offset = 0;
  const push = (bytes: Uint8Array): void => {
    parts.push(bytes);
    offset += bytes.length;
  };
  for (const [path, content] of files) {
    const header = new Uint8Array(512);
    header.set(Buffer.from(`${path} ${content.length}`).subarray(0, 512));
    entries.push({
      path,
      headerOffset: offset,
      headerBytes: header.length,
      contentOffset: offset + header.length,
      contentBytes: content.length,
      contentHash: content.length === 0 ? 0n : hash(content),
    });
    push(header);
    push(content);
    push(new Uint8Array(-content.length & 511));
  }
  const bytes = concatBytes(parts);
  return {
    source: memorySource(bytes),
    index: async () => ({ hashes: Promise.resolve({ sha256: sha256(bytes), xxh64: hash(bytes) }), entries }),
  };
}
