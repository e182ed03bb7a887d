import type { FlatImage } from "../image/index.ts";
import type { Source } from "../io/index.ts";
import { openFileSource } from "../io/node.ts";
import type { CommandContext } from "./command.ts";
import { UsageError } from "./exit-code.ts";
import { STDIN_NAME } from "./stdin-name.ts";

/** Bytes to read, open. */
export interface OpenSource {
  readonly source: Source;
  close(): Promise<void>;
}

/** A basis or target, open. */
export interface OpenInput extends OpenSource {
  /** What is known of its structure; none for plain bytes. */
  readonly flat: FlatImage | undefined;
}

/**
 * Open a file as plain bytes.
 *
 * @throws UsageError for standard input, which cannot be read at any offset; a file of that name is `./-`.
 */
export async function openRawInput(path: string): Promise<OpenInput> {
  if (path === STDIN_NAME)
    throw new UsageError("expected a file with --raw, got - for standard input; save it to a file first");
  const source = await openFileSource(path);
  return { source, flat: undefined, close: () => source.close() };
}

/** Open a basis or target with its structure: plain bytes with `--raw`, else as a flat image. */
export async function openInput(name: string, context: CommandContext): Promise<OpenInput> {
  if (context.values.raw === true) return openRawInput(name);
  // What reads images is loaded only for images: it is more than half of what a command with --raw would load.
  return (await import("./image-input.ts")).openFlatInput(name, context);
}

/** Open a basis or target of which only the bytes matter. */
export async function openBytes(name: string, context: CommandContext): Promise<OpenSource> {
  if (context.values.raw === true) return openRawInput(name);
  return (await import("./image-input.ts")).openFlatBytes(name, context);
}
