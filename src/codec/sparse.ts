import { ByteReader, ByteWriter, concatBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { brotliCodec } from "./brotli.ts";
import type { Codec, SegmentDecoder, SegmentEncoder } from "./codec.ts";
import { SparseKernel } from "./sparse/kernel.ts";
import { maxPackedBytes } from "./sparse/pack.ts";

function createEncoder(brotli: SegmentEncoder): SegmentEncoder {
  let kernel: SparseKernel | undefined;
  return {
    encode: async (raw) => {
      if (raw.length === 0) return EMPTY_BYTES;
      kernel ??= await SparseKernel.create();
      const packed = kernel.pack(raw);
      const head = new ByteWriter();
      head.varint(packed.length);
      return concatBytes([head.view(), await brotli.encode(packed)]);
    },
    close: () => brotli.close(),
  };
}

function createDecoder(brotli: SegmentDecoder): SegmentDecoder {
  let kernel: SparseKernel | undefined;
  return {
    decode: async (coded, into) => {
      if (coded.length === 0 && into.length === 0) return;
      const head = new ByteReader(coded, { what: "a sparse segment" });
      const packedBytes = head.varint();
      if (packedBytes > maxPackedBytes(into.length)) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `a sparse segment: expected at most ${maxPackedBytes(into.length)} bytes before brotli, found ${packedBytes}`,
        );
      }
      kernel ??= await SparseKernel.create();
      await brotli.decode(head.bytes(head.remaining), kernel.packed(packedBytes, into.length));
      kernel.unpack(packedBytes, into);
    },
    close: () => brotli.close(),
  };
}

/**
 * Brotli of what is not zero, for residuals: gaps, lengths of runs and runs apart. Of relinked programs it makes 4 to 7 % less than brotli
 * alone, and decodes three to six times as fast, since nine bytes of ten are in gaps.
 */
export const sparseCodec: Codec = {
  name: "sparse",
  id: 8,
  needsBasis: false,
  isBlocking: false,
  isAvailable: () => brotliCodec.isAvailable(),
  // And what a segment of 512 KiB packs into at most.
  decoderMemoryBytes: (windowBits) => brotliCodec.decoderMemoryBytes(windowBits) + (1 << 20),
  createEncoder: (settings) => createEncoder(brotliCodec.createEncoder(settings)),
  createDecoder: () => createDecoder(brotliCodec.createDecoder()),
};
