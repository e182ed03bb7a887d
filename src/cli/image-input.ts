import { stat } from "node:fs/promises";
import {
  type FlatImage,
  flattenImage,
  type Image,
  isFlatImage,
  openFlatImage,
  parseImageName,
  parsePlatform,
} from "../image/index.ts";
import { type ReadImageOptions, readImage, readImageStream } from "../image/node.ts";
import { type FileSource, fileScratch, openFileSource } from "../io/node.ts";
import { choiceOption, sizeOption, textOption } from "./arguments.ts";
import type { CommandContext, OptionValues } from "./command.ts";
import { checkUsage, UsageError } from "./exit-code.ts";
import type { OpenInput, OpenSource } from "./inputs.ts";
import { isStdinName, STDIN_NAME } from "./stdin-name.ts";

/** An image, open as a flat image. */
export interface OpenFlat extends OpenInput {
  readonly flat: FlatImage;
  /** What it was flattened from; none for a flat image file. */
  readonly image?: Image;
}

function imageOptions(values: OptionValues, signal: AbortSignal): ReadImageOptions {
  const platform = textOption(values, "platform");
  const xattrs = choiceOption(values, "xattrs", ["read", "ignore"]);
  const tmp = textOption(values, "tmp");
  const maxImageBytes = sizeOption(values, "max-image-size");
  if (platform !== undefined) checkUsage(() => parsePlatform(platform));
  return {
    signal,
    platform,
    xattrs,
    scratch: tmp === undefined ? undefined : fileScratch(tmp),
    limits:
      maxImageBytes === undefined
        ? undefined
        : { decompressedBytes: maxImageBytes, expansion: Number.POSITIVE_INFINITY },
  };
}

/** The file behind the name when it is a flat image already. */
async function openFlatSource(name: string): Promise<FileSource | undefined> {
  const { transport, path } = checkUsage(() => parseImageName(name));
  if (isStdinName(name)) return undefined;
  if (transport === "flat" && path === STDIN_NAME)
    throw new UsageError(
      "expected - alone, which takes a flat image too, or flat:./- for a file of that name",
    );
  if (transport !== "flat" && !(transport === "auto" && (await stat(path)).isFile())) return undefined;
  const source = await openFileSource(path);
  try {
    if (transport === "flat" || (await isFlatImage(source))) return source;
  } catch (error) {
    await source.close();
    throw error;
  }
  await source.close();
  return undefined;
}

/** Read any image by its name. */
export async function readNamed(name: string, context: CommandContext): Promise<Image> {
  const { values, signal, stdin } = context;
  const options = imageOptions(values, signal);
  const { transport, path, reference } = checkUsage(() => parseImageName(name));
  if (transport === "docker" || transport === "docker-daemon") {
    const { readRemoteImage } = await import("./remote-input.ts");
    return readRemoteImage({ transport, path }, options, context);
  }
  if (!isStdinName(name)) return readImage(name, options);
  return readImageStream(stdin, {
    ...options,
    transport: transport === "docker-archive" || transport === "oci-archive" ? transport : undefined,
    reference,
  });
}

async function flattenNamed(name: string, context: CommandContext): Promise<OpenFlat> {
  const { signal, onProgress } = context;
  const image = await readNamed(name, context);
  try {
    const maxFlatBytes = sizeOption(context.values, "max-image-size");
    const flat = await flattenImage(image, { signal, onProgress, maxFlatBytes });
    return { source: flat.source, flat, image, close: () => closeAll(flat, image) };
  } catch (error) {
    await image.close();
    throw error;
  }
}

/** Open any image as a flat image: a flat image file as it is, everything else by flattening it on the fly. */
export async function openFlatInput(name: string, context: CommandContext): Promise<OpenFlat> {
  const file = await openFlatSource(name);
  if (file === undefined) return flattenNamed(name, context);
  try {
    const flat = await openFlatImage(file);
    return { source: flat.source, flat, close: () => closeAll(flat, file) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The bytes of any image's flat image; of a flat image file without looking at what is inside. */
export async function openFlatBytes(name: string, context: CommandContext): Promise<OpenSource> {
  const file = await openFlatSource(name);
  return file === undefined ? flattenNamed(name, context) : { source: file, close: () => file.close() };
}

async function closeAll(...parts: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const part of parts) await part.close();
}
