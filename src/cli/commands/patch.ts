import { stat } from "node:fs/promises";
import { applyDelta } from "../../apply/index.ts";
import { toHex } from "../../bytes/index.ts";
import { createCodingThreads } from "../../codec/node.ts";
import { DeltaReader } from "../../delta/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../errors.ts";
import type { PeerFormat } from "../../interop/index.ts";
import { type ByteInput, peekStream, readRange, type Source } from "../../io/index.ts";
import { openFileSource } from "../../io/node.ts";
import { IMAGE_OPTIONS, OUTPUT_OPTIONS } from "../arguments.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes } from "../format.ts";
import { keepHeapSmall } from "../heap.ts";
import { openImageOutput } from "../image-output.ts";
import { type OpenSource, openBytes, openRawInput } from "../inputs.ts";
import { HEAD_BYTES, recognisePeerDelta } from "../kind.ts";
import { deltaLimits, TARGET_LIMIT_OPTION } from "../limits.ts";
import type { Output } from "../output-file.ts";
import { choosePeer, formatOption } from "../peers.ts";
import { checkStdinOnce, isStdinName, STDIN_NAME } from "../stdin-name.ts";
import { TARGET_DIGEST_OPTION } from "../target-digest.ts";
import { opReport, RAW_OPTION } from "./shared.ts";

// From here on a thread is worth its start at once.
const LARGE_DELTA_BYTES = 1 << 16;

/** `flatdelta patch`. */
export const patch: Command = {
  operands: ["BASIS", "[DELTA]"],
  description: `Make the target from BASIS and DELTA. BASIS is an image in any form, flattened on the fly unless it is a flat
image already, or any file with --raw. It must be the very basis that DELTA was made against: a wrong one is
refused. The target appears under its name only after its SHA-256 is proven.
Either may be - for standard input: DELTA is then applied while it arrives, BASIS is an image archive.

With --in-place the target takes the place of BASIS, a flat image, any other file, or a block device that begins
with one. DELTA is proven first, with BASIS untouched. From then on the update can be interrupted at any moment,
by a power cut too: the same command again, or --resume without DELTA, completes it.
BASIS may be a folder then, as rootfs:FOLDER[:CONFIG]: only what changes in it is written, and what is new lies
beside it until all of it is there (Linux).

With -o and --resume what was made stays when DELTA breaks off, and the next run goes on from there.`,
  options: {
    ...OUTPUT_OPTIONS,
    "in-place": { type: "boolean", help: "let the target take the place of BASIS" },
    resume: {
      type: "boolean",
      help: "go on with a run that broke off; with --in-place DELTA is not needed then",
    },
    scratch: {
      type: "string",
      value: "DIR",
      help: "folder of its own for what --in-place needs beside BASIS (BASIS.flatdelta)",
    },
    ...TARGET_LIMIT_OPTION,
    ...formatOption("patch"),
    ...TARGET_DIGEST_OPTION,
    ...RAW_OPTION,
    ...IMAGE_OPTIONS,
  },
  examples: [
    ["a flat image", "flatdelta patch app-1.flat update.delta -o app-2.flat"],
    [
      "what docker save wrote; docker load takes the result",
      "flatdelta patch app-1.tar update.delta -o app-2.flat",
    ],
    [
      "in the Docker engine, from the image that it has",
      "flatdelta patch docker-daemon:app:1 update.delta -o docker-daemon:app:2",
    ],
    [
      "while the delta arrives",
      "curl -s https://example.org/update.delta | flatdelta patch app-1.flat - -o app-2.flat",
    ],
    [
      "again and again, until all of it has arrived",
      "curl -s -C - -O https://example.org/update.delta; flatdelta patch --resume app-1.flat update.delta -o app-2.flat",
    ],
    ["in place of the old one", "flatdelta patch --in-place app.flat update.delta"],
    ["after a power cut", "flatdelta patch --in-place --resume app.flat"],
    ["an unpacked image", "flatdelta patch --in-place rootfs:/srv/app:/srv/app.json update.delta"],
  ],
  run: async ([basisName, deltaName], context) => {
    keepHeapSmall();
    const { values } = context;
    const inPlace = values["in-place"] === true;
    if (!inPlace && values.scratch !== undefined)
      throw new UsageError("expected --scratch with --in-place only");
    if (deltaName === undefined && !(inPlace && values.resume === true))
      throw new UsageError("expected BASIS DELTA, got no DELTA");
    if (deltaName !== undefined) checkStdinOnce(basisName!, deltaName);
    const output = inPlace ? undefined : await openImageOutput(values);
    const delta = deltaName === undefined ? undefined : await openDelta(deltaName, context);
    try {
      const peer = await choosePeer("patch", values, delta?.format);
      if (peer === undefined) return await patchOwn(basisName!, delta, output, context);
      const { input, stdin = context.stdin } = delta!;
      return await peer.patch!(basisName!, input, output!, { ...context, stdin }, deltaName!);
    } finally {
      await delta?.close();
    }
  },
};

/** Apply a delta of flatdelta's own. */
async function patchOwn(
  basisName: string,
  delta: OpenDelta | undefined,
  output: Output | undefined,
  context: CommandContext,
): Promise<CommandResult> {
  const { values, signal, onProgress } = context;
  const inPlace = values["in-place"] === true;
  const limits = deltaLimits(values);
  const atOnce = delta?.source !== undefined && delta.source.size >= LARGE_DELTA_BYTES;
  const mayBeRootfs = inPlace && values.raw !== true;
  const rootfs = mayBeRootfs
    ? (await import("./rootfs-name.ts")).parseRootfsName(basisName, context)
    : undefined;
  if (rootfs !== undefined) {
    const { patchRootfs } = await import("./patch-rootfs.ts");
    const decoderBytes = delta?.source && (await findDecoderBytes(delta.source, context));
    return patchRootfs(rootfs, delta?.input, context, { atOnce, decoderBytes });
  }
  const segmentCoding = createCodingThreads({ atOnce, onThread: keepHeapSmall });
  try {
    if (output === undefined || delta === undefined) {
      const { patchInPlace } = await import("./patch-in-place.ts");
      return await patchInPlace(basisName, delta?.input, context);
    }
    const applyTo = async (basis: OpenSource) => {
      try {
        return await output.write(
          (sink) =>
            applyDelta(basis.source, delta.input, sink, {
              segmentCoding,
              limits,
              signal,
              onProgress,
            }),
          signal,
        );
      } finally {
        await basis.close();
      }
    };
    const likely = await openLikelyBasis(basisName, delta.source, context);
    const result =
      (likely && (await applyTo(likely).catch(ignoreBasisMismatch))) ??
      (await applyTo(await openBytes(basisName, context)));
    const { basisBytes, targetBytes, deltaBytes, windowCount, reusedBytes } = result;
    const targetSha256 = toHex(result.targetSha256);
    return {
      report: {
        basisBytes,
        targetBytes,
        targetSha256,
        deltaBytes,
        ...opReport(result),
        windowCount,
        reusedBytes,
      },
      lines: [
        ["target", `${output.path}, ${formatBytes(targetBytes)}`],
        ["sha256", `${targetSha256}, proven`],
      ],
    };
  } finally {
    await segmentCoding.close();
  }
}

interface OpenDelta {
  readonly input: ByteInput;
  /** The same, where it can be read again. */
  readonly source: Source | undefined;
  /** Standard input again, where it was looked into. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** The other tool whose it is. */
  readonly format: PeerFormat | undefined;
  close(): Promise<void>;
}

async function openDelta(name: string, { stdin }: CommandContext): Promise<OpenDelta> {
  if (name === STDIN_NAME) {
    const { head, stream } = await peekStream(stdin, HEAD_BYTES);
    const format = await recognisePeerDelta(head);
    return { input: stream, stdin: stream, source: undefined, format, close: async () => {} };
  }
  const source = await openFileSource(name);
  const head = await readRange(source, 0, Math.min(HEAD_BYTES, source.size));
  const format = await recognisePeerDelta(head, source);
  return { input: source, source, format, close: () => source.close() };
}

/**
 * A file of the very size that the delta names is taken for the flat image itself, before anything looks inside: what
 * reads images takes longer to load than a small image takes to patch. The delta's SHA-256 of the target proves it, or
 * that of the basis refuses it.
 */
async function openLikelyBasis(
  name: string,
  delta: Source | undefined,
  { values, signal }: CommandContext,
): Promise<OpenSource | undefined> {
  if (delta === undefined || values.raw === true || isStdinName(name)) return undefined;
  const path = name.replace(/^flat:/u, "");
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  const reader = await DeltaReader.open(delta, { limits: deltaLimits(values), signal });
  await reader.close();
  return found.size === reader.header.basisBytes ? openRawInput(path) : undefined;
}

/** The most memory that a decoder of a delta takes. */
async function findDecoderBytes(delta: Source, { values, signal }: CommandContext): Promise<number> {
  const reader = await DeltaReader.open(delta, { limits: deltaLimits(values), signal });
  await reader.close();
  return Math.max(...reader.header.streams.map(({ decoderMemoryBytes }) => decoderMemoryBytes));
}

/** It was no flat image, or not the right one: what reads images tells. */
function ignoreBasisMismatch(error: unknown): undefined {
  if (!isFlatdeltaError(error) || error.code !== ErrorCode.BASIS_MISMATCH) throw error;
}
