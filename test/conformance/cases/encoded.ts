/** Deltas as the encoder makes them, of images and of plain bytes, at several levels and with every coding. */
import { concatBytes } from "../../../src/bytes/index.ts";
import {
  type CreateDeltaOptions,
  createDelta,
  type DeltaBasis,
  type DeltaTarget,
} from "../../../src/encode/index.ts";
import { memorySink, memorySource, readRange } from "../../../src/io/index.ts";
import { buildSignature } from "../../../src/signature/index.ts";
import { makeBytes } from "../../support/pairs.ts";
import { type GoldenCase, hexSha256 } from "../golden.ts";
import { makeArmCode, makeCode, newImage, oldImage } from "./bases.ts";

interface Pair {
  basis: string;
  open: () => Promise<{ from: DeltaBasis; to: DeltaTarget }>;
}

const IMAGE: Pair = {
  basis: "image",
  open: async () => ({ from: await oldImage(), to: await newImage() }),
};

/** Code that moved, some of it twice, and bytes that are new. */
const newCode = (): Uint8Array =>
  concatBytes([
    makeCode(200, 1200, 64),
    makeBytes(300, 11),
    new Uint8Array(500),
    makeCode(200, 1200, 0).subarray(600, 900),
  ]);

const CODE: Pair = {
  basis: "code",
  open: async () => ({ from: memorySource(makeCode(200, 1200, 0)), to: memorySource(newCode()) }),
};

const ARM_CODE: Pair = {
  basis: "arm-code",
  open: async () => ({
    from: memorySource(makeArmCode(2000, 0x4_0000, 0)),
    to: memorySource(makeArmCode(2000, 0x4_0000, 0x1238)),
  }),
};

const SIGNED: Pair = {
  basis: "code",
  open: async () => ({
    from: await buildSignature(memorySource(makeCode(200, 1200, 0)), { blockBytes: 64 }),
    to: memorySource(newCode()),
  }),
};

type Options = CreateDeltaOptions | (() => Promise<CreateDeltaOptions>);

function encoded(name: string, { basis, open }: Pair, says: string, options: Options): GoldenCase {
  const make = async () => {
    const { from, to } = await open();
    const sink = memorySink();
    await createDelta(from, to, sink, typeof options === "function" ? await options() : options);
    const source = "source" in to ? to.source : to;
    const target = await readRange(source, 0, source.size);
    return { file: sink.bytes(), target: { bytes: target.length, sha256: hexSha256(target) } };
  };
  return { name: `${name}.delta`, says, basis, make };
}

const metadata = { "basis.reference": "app:1", "target.reference": "app:2" };

export const ENCODED_DELTAS: readonly GoldenCase[] = [
  ...[1, 4, 6, 9].map((level) =>
    encoded(`image-level-${level}`, IMAGE, `an image, level ${level}`, { level, metadata }),
  ),
  ...(["none", "deflate", "brotli", "zstd", "lz"] as const).map((codec) =>
    encoded(`image-${codec}`, IMAGE, `an image, codec ${codec} for all streams`, { codec }),
  ),
  encoded(
    "image-text",
    IMAGE,
    "an image whose few literals are coded as text, behind what stands around them",
    {
      codec: "mix",
    },
  ),
  encoded("image-stream-only", IMAGE, "an image, without what applying in place needs", {
    inPlace: false,
    codec: "brotli",
  }),
  encoded("image-small-steps", IMAGE, "an image, for a device with little room for a stash", {
    codec: "none",
    inPlace: { blockBytes: 512, stepBytes: 1024, maxStashBytes: 4096 },
  }),
  encoded(
    "image-small-windows",
    IMAGE,
    "an image in windows of 8 KiB, of which the first holds the computed head",
    {
      windowBytes: 8192,
      segmentBytes: 8192,
    },
  ),
  encoded(
    "image-head-alone",
    IMAGE,
    "an image whose first window is the computed head and nothing else",
    async () => ({
      windowBytes: (await (await newImage()).index()).envelope!.layerOffset,
      codec: "brotli",
    }),
  ),
  encoded("image-head-by-ops", IMAGE, "an image in windows too small for the computed head", {
    windowBytes: 1024,
    segmentBytes: 256,
    codec: "fast",
  }),
  encoded("bytes-mix", CODE, "plain bytes, codec mix", { codec: "mix" }),
  encoded("bytes-arm", ARM_CODE, "ARM's instructions that refer to places that moved, codec mix", {
    codec: "mix",
  }),
  encoded("bytes-fast", CODE, "plain bytes, codec fast", { codec: "fast" }),
  encoded("bytes-small-segments", CODE, "plain bytes, many segments that depend on those before", {
    codec: "mix",
    windowBytes: 512,
    segmentBytes: 64,
  }),
  encoded("bytes-by-signature", SIGNED, "plain bytes, made from the basis' signature", { codec: "mix" }),
];
