import { toHex } from "../../bytes/index.ts";
import { countingSink } from "../../io/index.ts";
import { buildSignature, writeSignature } from "../../signature/index.ts";
import { IMAGE_OPTIONS, numberOption, OUTPUT_OPTIONS } from "../arguments.ts";
import type { Command } from "../command.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openBytes } from "../inputs.ts";
import { openOutput } from "../output-file.ts";
import { choosePeer, formatOption, SIGNATURE_HASH_OPTIONS } from "../peers.ts";
import { BLOCK_SIZE_OPTION, RAW_OPTION } from "./shared.ts";

/** `flatdelta signature`. */
export const signature: Command = {
  operands: ["BASIS"],
  description: `Write a signature of BASIS: a weak and a strong hash of each of its blocks. "flatdelta delta" takes it in
place of the basis where the basis is not at hand. A delta made from a signature is larger than one made from
the basis itself. BASIS may be - for an image archive on standard input.`,
  options: {
    ...OUTPUT_OPTIONS,
    ...BLOCK_SIZE_OPTION,
    ...formatOption("signature"),
    ...SIGNATURE_HASH_OPTIONS,
    ...RAW_OPTION,
    ...IMAGE_OPTIONS,
  },
  examples: [
    ["of a flat image", "flatdelta signature app.flat -o app.sig"],
    [
      "of what docker save wrote, flattened on the fly",
      "flatdelta signature docker-archive:app.tar -o app.sig",
    ],
    ["of any file, in blocks of 4 KiB", "flatdelta signature --raw disk.img --block-size 4096 -o disk.sig"],
    ["for rdiff", "flatdelta signature --format rdiff disk.img -o disk.sig"],
  ],
  run: async ([name], context) => {
    const { values, signal, onProgress } = context;
    const peer = await choosePeer("signature", values);
    if (peer !== undefined) return peer.signature!(name!, context);
    const blockBytes = numberOption(values, "block-size", 16, 65_536);
    const output = await openOutput(values);
    const input = await openBytes(name!, context);
    try {
      const built = await buildSignature(input.source, { blockBytes, signal, onProgress });
      const signatureBytes = await output.write(async (sink) => {
        const counted = countingSink(sink);
        await writeSignature(built, counted);
        return counted.bytesWritten;
      }, signal);
      const blockCount = built.weakHashes.length;
      return {
        report: {
          basisBytes: built.basisBytes,
          basisSha256: toHex(built.basisSha256),
          blockBytes: built.blockBytes,
          blockCount,
          signatureBytes,
        },
        lines: [
          ["signature", `${output.path}, ${formatBytes(signatureBytes)}`],
          ["basis", formatBytes(built.basisBytes)],
          ["sha256", toHex(built.basisSha256)],
          ["blocks", `${formatCount(blockCount)} of ${formatBytes(built.blockBytes)}`],
        ],
      };
    } finally {
      await input.close();
    }
  },
};
