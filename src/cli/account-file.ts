import { applyDelta } from "../apply/index.ts";
import { accountDelta, type DeltaAccount } from "../delta/index.ts";
import { openFlatImage } from "../image/index.ts";
import type { Source } from "../io/index.ts";
import { fileScratch } from "../io/node.ts";
import { textOption } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { openFlatInput } from "./image-input.ts";

/**
 * Share out the bytes of a delta among the files of its target, which is made in a temporary file to see what they are.
 *
 * @param basisName - names the image that the delta was made against.
 */
export async function accountDeltaFile(
  delta: Source,
  basisName: string,
  context: CommandContext,
): Promise<DeltaAccount> {
  const { values, signal, onProgress } = context;
  const basis = await openFlatInput(basisName, context);
  try {
    const scratch = await fileScratch(textOption(values, "tmp"))();
    try {
      await applyDelta(basis.source, delta, scratch, { signal, onProgress });
      const target = await openFlatImage(await scratch.finish());
      const { entries } = await target.index({ signal, onProgress });
      return await accountDelta(delta, entries, (await basis.flat.index({ signal, onProgress })).entries, {
        signal,
      });
    } finally {
      await scratch.release();
    }
  } finally {
    await basis.close();
  }
}
