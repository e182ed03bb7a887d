import { type ScanOptions, type Source, scanSource } from "../io/index.ts";
import { createSha256 } from "./sha256.ts";

/** Options of {@link hashSource}. */
export interface HashSourceOptions extends ScanOptions {
  /** Told after each piece how many bytes are hashed. */
  onBytes?: ((doneBytes: number) => void) | undefined;
}

/** The SHA-256 of a source, or of a part of it. Memory: two pieces. */
export async function hashSource(source: Source, options: HashSourceOptions = {}): Promise<Uint8Array> {
  const { onBytes, ...scan } = options;
  const digest = createSha256();
  let doneBytes = 0;
  for await (const piece of scanSource(source, scan)) {
    digest.update(piece);
    doneBytes += piece.length;
    onBytes?.(doneBytes);
  }
  return digest.digest();
}
