import { stat } from "node:fs/promises";
import { isDelta } from "../delta/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { isFlatImage } from "../image/index.ts";
import { isBalenaDelta, type PeerFile, type PeerFormat, recognisePeerFile } from "../interop/index.ts";
import type { Source } from "../io/index.ts";
import { openFileSource } from "../io/node.ts";
import { isSignature } from "../signature/index.ts";
import { isStdinName } from "./stdin-name.ts";

/** The files that are flatdelta's own. */
export type FileKind = "flat" | "delta" | "signature";

const HEAD_BYTES = 64;

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
    const peerFile = recognisePeerFile(head);
    return peerFile?.kind === "signature" ? peerFile.format : undefined;
  } finally {
    await source.close();
  }
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
  const peerFile = recognisePeerFile(head);
  if (peerFile !== undefined) return peerFile;
  if (await isFlatImage(source)) return "flat";
  if (await isBalenaDelta(source)) return { format: "balena", kind: "delta" };
  throw new FormatError(
    ErrorCode.BAD_MAGIC,
    "expected a flat image, a delta or a signature, found another kind of file",
    {
      path,
    },
  );
}
