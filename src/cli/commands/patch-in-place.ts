import { findPendingFileUpdate, patchFileInPlace } from "../../apply/node.ts";
import { toHex } from "../../bytes/index.ts";
import type { ByteInput } from "../../io/index.ts";
import { textOption } from "../arguments.ts";
import type { CommandContext, CommandResult } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes } from "../format.ts";
import { collectAlong } from "../heap.ts";
import { deltaLimits } from "../limits.ts";
import { IN_PLACE_DONE } from "./shared.ts";

/**
 * `flatdelta patch --in-place` for files and block devices.
 *
 * @param delta - `undefined` to complete an interrupted update.
 */
export async function patchInPlace(
  name: string,
  delta: ByteInput | undefined,
  { values, signal, onProgress }: CommandContext,
): Promise<CommandResult> {
  if (values.output !== undefined || values.force !== undefined)
    throw new UsageError(
      "expected neither --output nor --force with --in-place: the target takes the place of BASIS",
    );
  const path = name.replace(/^flat:/u, "");
  const scratch = textOption(values, "scratch");
  if (values.resume === true && delta === undefined && !(await findPendingFileUpdate(path, scratch)))
    throw new UsageError(
      `expected an interrupted update of ${path} to resume, found none; name a DELTA to begin one`,
    );
  const { targetSha256: digest, ...result } = await patchFileInPlace(path, delta, {
    // No threads for decoding: they take 15 to 20 MB, and the disk takes the time.
    scratch,
    limits: deltaLimits(values),
    signal,
    onProgress: collectAlong(onProgress),
  });
  const targetSha256 = toHex(digest);
  return {
    report: { ...result, targetSha256 },
    lines: [
      ["target", `${path}, ${formatBytes(result.targetBytes)}`],
      ["sha256", `${targetSha256}, proven`],
      ["done", IN_PLACE_DONE[result.done]],
      ["written", `${formatBytes(result.writtenBytes)}, and ${formatBytes(result.stashedBytes)} put aside`],
    ],
  };
}
