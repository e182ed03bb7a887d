import type { Codec } from "./codec.ts";
import {
  createOpsDecoder,
  createOpsEncoder,
  MAX_OPS_SEGMENT_BYTES,
  OPS_CODER_MEMORY_BYTES,
  type OpsDecoder,
  type OpsEncoder,
} from "./ops/index.ts";

/** Context mixing for control segments (`ops/FORMAT.md`). Other bytes come back too, but no shorter. */
export const opsCodec: Codec = {
  name: "ops",
  id: 6,
  needsBasis: false,
  isBlocking: true,
  isForControl: true,
  maxSegmentBytes: MAX_OPS_SEGMENT_BYTES,
  isAvailable: () => true,
  decoderMemoryBytes: () => OPS_CODER_MEMORY_BYTES,
  createEncoder: () => {
    let encoder: Promise<OpsEncoder> | undefined;
    return {
      encode: async (raw) => {
        encoder ??= createOpsEncoder();
        return (await encoder).encode(raw);
      },
      close: () => void encoder?.then((opened) => opened.close()),
    };
  },
  createDecoder: () => {
    let decoder: Promise<OpsDecoder> | undefined;
    return {
      decode: async (coded, into) => {
        decoder ??= createOpsDecoder();
        into.set((await decoder).decode(coded, into.length));
      },
      close: () => void decoder?.then((opened) => opened.close()),
    };
  },
};
