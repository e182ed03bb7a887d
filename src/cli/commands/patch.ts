import { applyDelta } from "../../apply/index.ts";
import { toHex } from "../../bytes/index.ts";
import type { ByteInput } from "../../io/index.ts";
import { openFileSource } from "../../io/node.ts";
import { IMAGE_OPTIONS, OUTPUT_OPTIONS } from "../arguments.ts";
import type { Command } from "../command.ts";
import { formatBytes } from "../format.ts";
import { openBytes } from "../inputs.ts";
import { openOutput } from "../output-file.ts";
import { opReport, RAW_OPTION } from "./shared.ts";

/** `flatdelta patch`. */
export const patch: Command = {
  operands: ["BASIS", "DELTA"],
  description: `Make the target from BASIS and DELTA. BASIS is an image in any form, flattened on the fly unless it is a flat
image already, or any file with --raw. It must be the very basis that DELTA was made against: a wrong one is
refused before anything is written. The target appears under its name only after its SHA-256 is proven.
DELTA may be - for standard input.`,
  options: { ...OUTPUT_OPTIONS, ...RAW_OPTION, ...IMAGE_OPTIONS },
  examples: [
    ["a flat image", "flatdelta patch app-1.flat update.delta -o app-2.flat"],
    [
      "what docker save wrote; docker load takes the result",
      "flatdelta patch app-1.tar update.delta -o app-2.flat",
    ],
    [
      "while the delta arrives",
      "curl -s https://example.org/update.delta | flatdelta patch app-1.flat - -o app-2.flat",
    ],
  ],
  run: async ([basisName, deltaName], context) => {
    const { values, signal, stdin, onProgress } = context;
    const output = await openOutput(values);
    const delta = await openDelta(deltaName!, stdin);
    try {
      const basis = await openBytes(basisName!, context);
      try {
        const result = await output.write(
          (sink) => applyDelta(basis.source, delta.input, sink, { signal, onProgress }),
          signal,
        );
        const { basisBytes, targetBytes, deltaBytes, windowCount } = result;
        const targetSha256 = toHex(result.targetSha256);
        return {
          report: { basisBytes, targetBytes, targetSha256, deltaBytes, ...opReport(result), windowCount },
          lines: [
            ["target", `${output.path}, ${formatBytes(targetBytes)}`],
            ["sha256", `${targetSha256}, proven`],
          ],
        };
      } finally {
        await basis.close();
      }
    } finally {
      await delta.close();
    }
  },
};

async function openDelta(
  name: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<{ input: ByteInput; close(): Promise<void> }> {
  if (name === "-") return { input: stdin, close: async () => {} };
  const source = await openFileSource(name);
  return { input: source, close: () => source.close() };
}
