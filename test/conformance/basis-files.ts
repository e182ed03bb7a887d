/** The bases of golden files, as files. */
import { existsSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GOLDEN_FOLDER, type Manifest } from "./golden.ts";

// Holes of a file in memory take none. Of one on a disk they fill the system's cache when they are read: 4 GiB take 15 s.
const PARENT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Bases by name. Sparse ones are written to a folder of their own when they are first asked for. */
export class BasisFiles {
  readonly #manifest: Manifest;
  readonly #made = new Map<string, string>();
  /** For whatever else has to be written. */
  readonly folder: string;

  private constructor(manifest: Manifest, folder: string) {
    this.#manifest = manifest;
    this.folder = folder;
  }

  static async open(manifest: Manifest): Promise<BasisFiles> {
    return new BasisFiles(manifest, await mkdtemp(join(PARENT, "flatdelta-conformance-")));
  }

  async pathOf(name: string): Promise<string> {
    const basis = this.#manifest.bases[name]!;
    if ("path" in basis) return join(GOLDEN_FOLDER, basis.path);
    const path = join(this.folder, name);
    if (this.#made.has(name)) return path;
    const file = await open(path, "w");
    try {
      await file.truncate(basis.bytes);
      for (const { offset, text } of basis.pieces) await file.write(text, offset);
    } finally {
      await file.close();
    }
    this.#made.set(name, path);
    return path;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
