import { toHex } from "../../bytes/index.ts";
import { type CodingThreads, createCodingThreads, LARGE_DECODER_BYTES } from "../../codec/node.ts";
import { hashSource } from "../../hash/index.ts";
import { flattenImage } from "../../image/index.ts";
import { readRootfs } from "../../image/node.ts";
import type { ByteInput } from "../../io/index.ts";
import {
  applyDeltaToRootfs,
  findPendingRootfsUpdate,
  resumeRootfs,
  type UpdateTreeResult,
} from "../../rootfs/index.ts";
import type { CommandContext, CommandResult } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes, formatCount } from "../format.ts";
import { keepHeapSmall } from "../heap.ts";
import { deltaLimits } from "../limits.ts";
import { tellInterrupted } from "./pending.ts";
import type { NamedRootfs } from "./rootfs-name.ts";
import { IN_PLACE_DONE, opReport } from "./shared.ts";

// An entry of a tree takes some 600 bytes and a thread 9 MB: beside more entries there is room for fewer threads in 128 MB.
const SMALL_TREE_ENTRIES = 12_000;
// What a decoder declares for a mebibyte of literals, which take as long to decode as the calling thread needs for half of the rest.
const LITERALS_DECODER_BYTES = 1 << 23;

/** What is known of a delta that can be read again. */
export interface RootfsDelta {
  /** Whether it is known to be large. */
  readonly atOnce: boolean;
  /** The most memory that a decoder takes; `undefined` where nobody knows before. */
  readonly decoderBytes: number | undefined;
}

/** Threads for decoding, as many as there is memory for beside a tree. */
function createThreads(
  entryCount: number,
  { atOnce, decoderBytes = LARGE_DECODER_BYTES }: RootfsDelta,
): CodingThreads | undefined {
  const isSmall = entryCount <= SMALL_TREE_ENTRIES;
  const isLarge = decoderBytes >= LARGE_DECODER_BYTES;
  if (isLarge && !isSmall) return undefined;
  return createCodingThreads({
    atOnce,
    // One of the two, and for literals it takes 3 MB less: Debian 12 to 13 126 instead of 129 MB, though 23.8 instead of 19.4 s.
    residuals: !isLarge,
    // This thread has more to do than that one: it makes the target, and decodes residuals.
    ops: isLarge,
    literalsFromBytes: isSmall ? LITERALS_DECODER_BYTES : LARGE_DECODER_BYTES,
    onThread: keepHeapSmall,
  });
}

/**
 * `flatdelta patch --in-place rootfs:FOLDER[:CONFIG.json]`.
 *
 * @param delta - `undefined` to complete an interrupted update.
 */
export async function patchRootfs(
  { path, options }: NamedRootfs,
  delta: ByteInput | undefined,
  { values, signal, onProgress }: CommandContext,
  known: RootfsDelta,
): Promise<CommandResult> {
  if (values.output !== undefined || values.force !== undefined || values.scratch !== undefined)
    throw new UsageError(
      "expected neither --output, --force nor --scratch with --in-place and a folder: it is changed where it is",
    );
  let threads: CodingThreads | undefined;
  let result: UpdateTreeResult | undefined;
  try {
    result =
      delta === undefined
        ? await resumeRootfs(path, options)
        : await applyDeltaToRootfs(path, delta, {
            ...options,
            segmentCoding: (entryCount) => {
              threads = createThreads(entryCount, known);
              return threads;
            },
            limits: deltaLimits(values),
            signal,
            onProgress,
          });
  } finally {
    await threads?.close();
  }
  if (result === undefined) {
    throw new UsageError(
      `expected an interrupted update of ${path} to resume, found none; name a DELTA to begin one`,
    );
  }
  return describe(path, result);
}

function describe(path: string, result: UpdateTreeResult): CommandResult {
  const { done, targetBytes, neededBytes, stagedBytes, stagedEntries, journalBytes, applied } = result;
  const { placedEntries, removedEntries, changedAttributes } = result;
  const targetSha256 = toHex(result.targetSha256);
  const changes = {
    placedEntries,
    removedEntries,
    changedAttributes,
    neededBytes,
    stagedBytes,
    stagedEntries,
    journalBytes,
  };
  const ops =
    applied === undefined
      ? {}
      : { basisBytes: applied.basisBytes, deltaBytes: applied.deltaBytes, ...opReport(applied) };
  return {
    report: { done, targetBytes, targetSha256, ...changes, ...ops },
    lines: [
      ["target", path],
      ["sha256", `${targetSha256}, proven`],
      ["done", IN_PLACE_DONE[done]],
      [
        "changed",
        `${formatCount(placedEntries)} entries placed, ${formatCount(removedEntries)} removed, ` +
          `${formatCount(changedAttributes)} with other attributes`,
      ],
      ["written", formatBytes(stagedBytes + journalBytes)],
    ],
  };
}

/** What there is to say of a folder; an update that was interrupted before all else. */
export async function inspectRootfs(name: NamedRootfs, context: CommandContext): Promise<CommandResult> {
  const pending = await findPendingRootfsUpdate(name.path);
  if (pending !== undefined) return tellInterrupted("root file system", "rootfs:FOLDER[:CONFIG]", pending);
  const { flatBytes, flatSha256, layerDigest, entryCount } = await digestRootfs(name, context);
  return {
    report: { kind: "root file system", flatBytes, flatSha256, layerDigest, entryCount },
    lines: [
      ["kind", `root file system, ${formatCount(entryCount)} entries`],
      ["flat image", `sha256 ${flatSha256}, ${formatBytes(flatBytes)}`],
    ],
  };
}

/**
 * Read a folder whole, and tell which flat image it makes.
 *
 * @throws {@link StateError} `UPDATE_PENDING` when an update of it was interrupted.
 */
export async function verifyRootfs(name: NamedRootfs, context: CommandContext): Promise<CommandResult> {
  const { flatBytes, flatSha256, layerDigest, entryCount } = await digestRootfs(name, context);
  return {
    report: { kind: "root file system", verified: true, flatBytes, flatSha256, layerDigest, entryCount },
    lines: [
      ["verified", `root file system, ${formatCount(entryCount)} entries, no update is pending`],
      ["flat image", `sha256 ${flatSha256}, ${formatBytes(flatBytes)}`],
    ],
  };
}

async function digestRootfs({ path, options }: NamedRootfs, { signal, onProgress }: CommandContext) {
  const image = await readRootfs(path, { ...options, signal });
  try {
    const { source, layerDigest, entryCount } = await flattenImage(image, { signal, onProgress });
    const flatSha256 = toHex(await hashSource(source, { signal }));
    return { flatBytes: source.size, flatSha256, layerDigest, entryCount };
  } finally {
    await image.close();
  }
}
