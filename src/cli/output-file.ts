import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Sink } from "../io/index.ts";
import { createAtomicFile, createResumableFile } from "../io/node.ts";
import { textOption } from "./arguments.ts";
import type { OptionValues } from "./command.ts";
import { UsageError } from "./exit-code.ts";

/** Where a command writes. */
export interface Output {
  /** The file that will appear. */
  readonly path: string;
  /**
   * Let `fill` write the file. It gets its name only when `fill` has succeeded; else nothing is left behind, or, with `--resume`,
   * what the next run can go on with.
   *
   * @param signal - an abort that comes after the last byte still leaves nothing.
   */
  write<Result>(fill: (sink: Sink) => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown }).code === code;
}

async function findExisting(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw Object.assign(new Error(`expected a folder to write ${path} into, found none: ${folder}`), {
    code: found === undefined ? "ENOENT" : "ENOTDIR",
  });
}

/**
 * Check `--output` before any work is done for it.
 *
 * Only regular files are ever replaced: giving a file the name of a device would destroy `/dev/null` for all.
 *
 * @throws UsageError when it is missing, is no regular file, or exists and `--force` is not given.
 */
export async function openOutput(values: OptionValues): Promise<Output> {
  const name = textOption(values, "output");
  if (name === undefined) throw new UsageError("expected -o FILE, the file to write");
  if (name === "-")
    throw new UsageError("expected -o to name a file: the result is verified before it has a name");
  const existing = await findExisting(name);
  // A link keeps pointing where it points: its file is replaced, not the link.
  const path = existing?.isSymbolicLink() === true ? await realpath(name) : name;
  if (existing !== undefined) {
    const found = await stat(path);
    if (!found.isFile())
      throw new UsageError(`expected ${name} to be a file or nothing, found something else`);
    if (values.force !== true) throw new UsageError(`${name} exists already; pass --force to replace it`);
  } else await checkFolder(path);
  return {
    path: name,
    write: async (fill, signal) => {
      const resumable = values.resume === true ? await createResumableFile(path) : undefined;
      const file = resumable ?? (await createAtomicFile(path));
      try {
        const result = await fill(file);
        signal.throwIfAborted();
        await file.commit();
        return result;
      } catch (error) {
        await (resumable?.keep() ?? file.discard());
        throw error;
      }
    },
  };
}
