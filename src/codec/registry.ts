import { ErrorCode, UnsupportedError } from "../errors.ts";
import { brotliCodec } from "./brotli.ts";
import type { Codec, CodecName } from "./codec.ts";
import { deflateCodec } from "./deflate.ts";
import { lzCodec } from "./lz.ts";
import { mixCodec } from "./mix.ts";
import { noneCodec } from "./none.ts";
import { opsCodec } from "./ops.ts";
import { sparseCodec } from "./sparse.ts";
import { textCodec } from "./text.ts";
import { zstdCodec } from "./zstd.ts";

const CODECS: readonly Codec[] = [
  noneCodec,
  deflateCodec,
  brotliCodec,
  zstdCodec,
  mixCodec,
  lzCodec,
  opsCodec,
  textCodec,
  sparseCodec,
];

/** The names of all codecs that a delta can be named for, whether this runtime has them or not: not those of its parts. */
export const CODEC_NAMES = CODECS.map((codec) => codec.name).filter(
  (name) => name !== "ops" && name !== "text" && name !== "sparse",
);

function requireAvailable(codec: Codec | undefined, asked: string): Codec {
  if (codec === undefined) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_CODEC,
      `expected one of the codecs ${CODEC_NAMES.join(", ")}, found ${asked}; a newer version may know it`,
    );
  }
  if (!codec.isAvailable()) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_CODEC,
      `codec ${codec.name} is not available in this runtime`,
    );
  }
  return codec;
}

/**
 * The codec of a name.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when it is unknown or the runtime lacks it.
 */
export function getCodec(name: CodecName): Codec {
  return requireAvailable(
    CODECS.find((codec) => codec.name === name),
    `"${name}"`,
  );
}

/**
 * The codec that stands behind a number in a delta.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when it is unknown or the runtime lacks it.
 */
export function getCodecById(id: number): Codec {
  return requireAvailable(
    CODECS.find((codec) => codec.id === id),
    `number ${id}`,
  );
}

/** The first of some codecs that this runtime has; "none" is always there. */
export function firstAvailableCodec(names: readonly CodecName[]): Codec {
  const codecs = names.map((name) => CODECS.find((codec) => codec.name === name));
  return codecs.find((codec) => codec?.isAvailable()) ?? noneCodec;
}

/** The name of a codec's number, for reports; "codec 9" when it is unknown. */
export function codecName(id: number): string {
  return CODECS.find((codec) => codec.id === id)?.name ?? `codec ${id}`;
}
