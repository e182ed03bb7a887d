import type { Worker } from "node:worker_threads";
import { toHex } from "../../bytes/index.ts";
import { createDelta, DEFAULT_LEVEL, DELTA_CODECS } from "../../encode/index.ts";
import { createWorkerPool } from "../../encode/node.ts";
import { openFileSource } from "../../io/node.ts";
import { readSignature } from "../../signature/index.ts";
import { choiceOption, IMAGE_OPTIONS, numberOption, OUTPUT_OPTIONS, sizeOption } from "../arguments.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes, formatCount } from "../format.ts";
import { keepYoungHeapSmall } from "../heap.ts";
import { openInput } from "../inputs.ts";
import { recogniseSignatureFile } from "../kind.ts";
import { openOutput } from "../output-file.ts";
import { choosePeer, formatOption } from "../peers.ts";
import { checkStdinOnce } from "../stdin-name.ts";
import { FILES_OPTION, tellAccount } from "./account.ts";
import { opReport, RAW_OPTION, shareOf } from "./shared.ts";

/** Those of `flatdelta delta`. */
export const DELTA_OPTIONS = {
  ...OUTPUT_OPTIONS,
  codec: {
    type: "string",
    value: "NAME",
    help: `${DELTA_CODECS.join(", ")}; mix from level 4 on, fast below`,
  },
  level: {
    type: "string",
    value: "LEVEL",
    help: `time to take: 1 (quick) to 9 (small), ${DEFAULT_LEVEL} unless given`,
  },
  workers: {
    type: "string",
    value: "N",
    help: "threads that compare files, 0 to 64; one per processor core, 8 at most, unless given",
  },
  "max-stash": {
    type: "string",
    value: "SIZE",
    help: "what applying in place may put aside on the device, as in 500K, 64M, 1G (64M)",
  },
  "stream-only": { type: "boolean", help: "leave out what applying in place needs, some nine bytes" },
  ...FILES_OPTION,
  ...formatOption("delta"),
  ...RAW_OPTION,
  ...IMAGE_OPTIONS,
} satisfies Command["options"];

/** `flatdelta delta`, with a thread that was started for it, if one was. */
export const createDeltaCommand = (thread?: Worker): Command => ({
  operands: ["BASIS", "TARGET"],
  description: `Write a delta: what is needed to make TARGET from BASIS. Both are images, flattened on the fly unless they are
flat images already, or any two files with --raw. BASIS may also be a signature; it is recognised by its
content. One of the two may be - for an image archive on standard input.`,
  options: DELTA_OPTIONS,
  examples: [
    ["from one docker save to the next", "flatdelta delta app-1.tar app-2.tar -o update.delta"],
    ["from a signature, with the basis elsewhere", "flatdelta delta app-1.sig app-2.flat -o update.delta"],
    [
      "to the image that docker save writes now",
      "docker save app:2 | flatdelta delta app-1.flat - -o update.delta",
    ],
    ["of any two files", "flatdelta delta --raw old.bin new.bin -o update.delta"],
  ],
  run: async ([basisName, targetName], context) => {
    const { values, signal, onProgress } = context;
    checkStdinOnce(basisName!, targetName!);
    const signedBy = await recogniseSignatureFile(basisName!);
    const peer = await choosePeer("delta", values, signedBy === "flatdelta" ? undefined : signedBy);
    if (peer !== undefined) return peer.delta!(basisName!, targetName!, context);
    const codec = choiceOption(values, "codec", DELTA_CODECS);
    const level = numberOption(values, "level", 1, 9);
    const workers = numberOption(values, "workers", 0, 64);
    const maxStashBytes = sizeOption(values, "max-stash");
    if (values["stream-only"] === true && maxStashBytes !== undefined)
      throw new UsageError("expected either --stream-only or --max-stash, got both");
    const output = await openOutput(values);
    const pool = createWorkerPool(workers, thread);
    keepYoungHeapSmall();
    const basis = await openBasis(basisName!);
    try {
      const target = await openInput(targetName!, context);
      try {
        const stats = await output.write(
          (sink) =>
            createDelta(basis.input, target.flat ?? target.source, sink, {
              codec,
              level,
              inPlace: values["stream-only"] === true ? false : { maxStashBytes },
              workers: pool,
              wantsAccount: values.files === true,
              signal,
              onProgress,
            }),
          signal,
        );
        const { basisBytes, targetBytes, deltaBytes, windowCount } = stats;
        const ops = opReport(stats);
        const account = stats.account ? tellAccount(stats.account) : { report: {}, lines: [] };
        const targetSha256 = toHex(stats.targetSha256);
        return {
          report: {
            basisBytes,
            targetBytes,
            targetSha256,
            deltaBytes,
            ...ops,
            windowCount,
            ...account.report,
          },
          lines: [
            [
              "delta",
              `${output.path}, ${formatBytes(deltaBytes)}${shareOf(deltaBytes, targetBytes, "the target")}`,
            ],
            ["basis", formatBytes(basisBytes)],
            ["target", `${formatBytes(targetBytes)}, sha256 ${targetSha256}`],
            ["copied", formatBytes(ops.copiedBytes + ops.diffBytes)],
            ["literal", `${formatBytes(ops.literalBytes)}, ${formatCount(ops.opCount)} ops`],
            ...account.lines,
          ],
        };
      } finally {
        await target.close();
      }
    } finally {
      await basis.close();
      await pool.close();
    }

    async function openBasis(name: string) {
      if (signedBy === "flatdelta") {
        const source = await openFileSource(name);
        try {
          return { input: await readSignature(source, { signal }), close: async () => {} };
        } finally {
          await source.close();
        }
      }
      const opened = await openInput(name, context);
      return { input: opened.flat ?? opened.source, close: () => opened.close() };
    }
  },
});
