import { stat } from "node:fs/promises";
import { isDelta } from "../delta/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import type { PeerFile, PeerFormat } from "../interop/index.ts";
import type { Source } from "../io/index.ts";
import { openFileSource } from "../io/node.ts";
import { isSignature } from "../signature/index.ts";
import { isStdinName } from "./stdin-name.ts";

/** The files that are flatdelta's own. */
export type FileKind = "flat" | "delta" | "signature";

/** How many bytes tell whose file it is, of every kind but archives. */
export const HEAD_BYTES = 64;

// Loaded for files that are none of flatdelta's own: with what it needs it is three fifths of what `patch` would load.
const loadInterop = (): Promise<typeof import("../interop/index.ts")> => import("../interop/index.ts");
const loadImage = (): Promise<typeof import("../image/index.ts")> => import("../image/index.ts");

async function readHead(source: Source): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  await source.read(0, head);
  return head;
}

/**
 * Whose signature the file of this name holds, if it holds one; image names of other forms are not looked at.
 */
export async function recogniseSignatureFile(name: string): Promise<"flatdelta" | PeerFormat | undefined> {
  if (isStdinName(name)) return undefined;
  const found = await stat(name).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  const source = await openFileSource(name);
  try {
    const head = await readHead(source);
    if (isSignature(head)) return "flatdelta";
    if (await (await loadImage()).isFlatImage(source)) return undefined;
    const peerFile = (await loadInterop()).recognisePeerFile(head);
    return peerFile?.kind === "signature" ? peerFile.format : undefined;
  } finally {
    await source.close();
  }
}

/**
 * The other tool whose delta this is, if it is one's.
 *
 * @param head - its first {@link HEAD_BYTES}.
 * @param source - all of it, where it can be read at any offset: balenaEngine's deltas are archives.
 */
export async function recognisePeerDelta(head: Uint8Array, source?: Source): Promise<PeerFormat | undefined> {
  if (isDelta(head)) return undefined;
  const { recognisePeerFile, isBalenaDelta } = await loadInterop();
  const format = recognisePeerFile(head)?.format;
  if (format !== undefined || source === undefined) return format;
  return (await isBalenaDelta(source)) ? "balena" : undefined;
}

/**
 * Tell a file's kind by its content: one of flatdelta's own, or another tool's.
 *
 * @throws FormatError `BAD_MAGIC` when it is none of them.
 */
export async function recogniseFile(source: Source, path: string): Promise<FileKind | PeerFile> {
  const head = await readHead(source);
  if (isDelta(head)) return "delta";
  if (isSignature(head)) return "signature";
  if (await (await loadImage()).isFlatImage(source)) return "flat";
  const { recognisePeerFile, isBalenaDelta } = await loadInterop();
  const peerFile = recognisePeerFile(head);
  if (peerFile !== undefined) return peerFile;
  if (await isBalenaDelta(source)) return { format: "balena", kind: "delta" };
  throw new FormatError(
    ErrorCode.BAD_MAGIC,
    "expected a flat image, a delta or a signature, found another kind of file",
    {
      path,
    },
  );
}
