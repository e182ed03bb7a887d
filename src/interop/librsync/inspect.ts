import { type ByteInput, StreamReader, toByteStream } from "../../io/index.ts";
import type { RdiffOpTotals } from "./op-writer.ts";
import { RdiffOpReader } from "./read-ops.ts";

/** What the ops of a delta say. */
export interface RdiffDeltaInfo extends RdiffOpTotals {
  deltaBytes: number;
  targetBytes: number;
  /** The basis has at least so many bytes. */
  minBasisBytes: number;
}

const SKIP_BYTES = 1 << 16;

/**
 * Read a delta of rdiff to its end, without its basis.
 *
 * What it finds sound may still be damaged: the format has no checksum.
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_BODY`, `TRAILING_DATA`.
 */
export async function inspectRdiffDelta(
  delta: ByteInput,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<RdiffDeltaInfo> {
  const input = new StreamReader(toByteStream(delta, options.signal), "the delta");
  const skipped = new Uint8Array(SKIP_BYTES);
  const info = { copiedBytes: 0, literalBytes: 0, opCount: 0, minBasisBytes: 0 };
  try {
    const ops = await RdiffOpReader.open(input);
    for (let op = await ops.next(); op !== undefined; op = await ops.next()) {
      info.opCount++;
      if (op.kind === "copy") {
        info.copiedBytes += op.length;
        info.minBasisBytes = Math.max(info.minBasisBytes, op.offset + op.length);
      } else {
        info.literalBytes += op.length;
        for (let rest = op.length; rest > 0; rest -= SKIP_BYTES)
          await input.readInto(skipped.subarray(0, rest));
      }
    }
    return { ...info, deltaBytes: input.position, targetBytes: ops.targetBytes };
  } finally {
    await input.close();
  }
}
