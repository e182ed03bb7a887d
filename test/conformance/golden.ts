/** The golden files: what each of them is, where they stand, and how new ones are added. */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ErrorCode } from "../../src/errors.ts";
import type { SparseBasis } from "./cases/bases.ts";

/** The folder of the golden files. */
export const GOLDEN_FOLDER = fileURLToPath(new URL("golden", import.meta.url));
const MANIFEST = "manifest.json";

/** What a valid delta makes. */
export interface GoldenTarget {
  bytes: number;
  sha256: string;
}

/** A file to make. */
export interface GoldenCase {
  /** Its name, with ".delta" or ".sig". */
  name: string;
  /** What is special about it. */
  says: string;
  /** Name of its basis. */
  basis: string;
  make: () => Promise<{ file: Uint8Array; target?: GoldenTarget }>;
  /** How an invalid one is refused. */
  code?: ErrorCode;
}

/** What the manifest says about a file. */
export interface GoldenEntry {
  /** Inside the golden folder. */
  path: string;
  says: string;
  basis: string;
  /** Of the file itself. */
  sha256: string;
  /** Of valid deltas. */
  target?: GoldenTarget;
  code?: ErrorCode;
}

/** The golden files by what they are for. */
export interface Manifest {
  /** A file in the golden folder, or a recipe. */
  bases: Record<string, { path: string; sha256: string } | SparseBasis>;
  files: GoldenEntry[];
}

export const hexSha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export async function readManifest(folder = GOLDEN_FOLDER): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(join(folder, MANIFEST), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { bases: {}, files: [] };
    throw error;
  }
}

/** Makes a file that must not be there yet. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx");
  await file.writeFile(bytes).finally(() => file.close());
}

/** Files over which a reader has to go through more than 2^32 bytes. */
export const isLarge = ({ basis, target }: GoldenEntry, { bases }: Manifest): boolean =>
  !("path" in bases[basis]!) || (target?.bytes ?? 0) > 2 ** 32;

/** Whether a file is refused by a limit of our reader's own, and not by the format. */
export const isOverLimit = ({ code }: GoldenEntry): boolean => code?.endsWith("_LIMIT") === true;

/** What {@link addGoldenFiles} may add. */
export interface GoldenSet {
  fileBases: Readonly<Record<string, () => Promise<Uint8Array>>>;
  sparseBases: Readonly<Record<string, SparseBasis>>;
  cases: readonly GoldenCase[];
}

/**
 * Make the files that are not there yet. What is there is never written again: deltas that are out in the world don't change
 * either, and must go on to be read.
 *
 * @returns the paths of what was added.
 */
export async function addGoldenFiles(folder: string, set: GoldenSet): Promise<string[]> {
  const manifest = await readManifest(folder);
  const added: string[] = [];
  for (const [name, make] of Object.entries(set.fileBases)) {
    if (name in manifest.bases) continue;
    const bytes = await make();
    const path = `basis/${name}.bin`;
    await writeNew(join(folder, path), bytes);
    manifest.bases[name] = { path, sha256: hexSha256(bytes) };
    added.push(path);
  }
  for (const [name, basis] of Object.entries(set.sparseBases)) manifest.bases[name] ??= basis;
  const known = new Set(manifest.files.map((entry) => entry.path));
  for (const { name, says, basis, code, make } of set.cases) {
    const path = `${code === undefined ? "valid" : "invalid"}/${name}`;
    if (known.has(path)) continue;
    const { file, target } = await make();
    await writeNew(join(folder, path), file);
    const found = { path, says, basis, sha256: hexSha256(file) };
    manifest.files.push({ ...found, ...(target && { target }), ...(code && { code }) });
    added.push(path);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return added;
}
