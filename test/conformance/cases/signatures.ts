/** Signatures, and what a reader must refuse for one. */
import { concatBytes } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import { loadHash64 } from "../../../src/hash/index.ts";
import { memorySource } from "../../../src/io/index.ts";
import { buildSignature, encodeSignature } from "../../../src/signature/index.ts";
import type { GoldenCase } from "../golden.ts";
import { FILE_BASES } from "./bases.ts";
import { fields } from "./delta-builder.ts";

const HEADER_BYTES = 64;

async function encode(basis: string, blockBytes?: number): Promise<Uint8Array> {
  return encodeSignature(await buildSignature(memorySource(await FILE_BASES[basis]!()), { blockBytes }));
}

const valid = (name: string, basis: string, says: string, blockBytes?: number): GoldenCase => ({
  name: `${name}.sig`,
  says,
  basis,
  make: async () => ({ file: await encode(basis, blockBytes) }),
});

const invalid = (
  name: string,
  code: ErrorCode,
  says: string,
  edit: (file: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): GoldenCase => ({
  name: `${name}.sig`,
  says,
  basis: "text",
  code,
  make: async () => ({ file: await edit(await encode("text", 16)) }),
});

/** Bytes of the header are others, and its checksum is right. */
const withHeader =
  (offset: number, ...bytes: number[]) =>
  async (file: Uint8Array): Promise<Uint8Array> => {
    const { hash } = await loadHash64();
    const header = file.slice(0, HEADER_BYTES);
    header.set(bytes, offset);
    return concatBytes([header, fields((out) => out.u64(hash(header))), file.subarray(HEADER_BYTES + 8)]);
  };

const flipped = (at: number) => (file: Uint8Array) => file.with(at, file.at(at)! ^ 1);

export const SIGNATURES: readonly GoldenCase[] = [
  valid("empty", "empty", "of an empty basis"),
  valid("one-byte", "byte", "of one byte"),
  valid("short-last-block", "text", "blocks of 16 bytes, and a last one of 8", 16),
  valid("whole-blocks", "text", "a basis of whole blocks", 44),
  valid("default-blocks", "image", "the block size that is chosen by itself"),
  valid("largest-blocks", "code", "blocks of 65,536 bytes", 65_536),
  invalid("magic", ErrorCode.BAD_MAGIC, "another magic", flipped(5)),
  invalid("version", ErrorCode.UNSUPPORTED_VERSION, "version 2", withHeader(8, 2)),
  invalid("weak-hash", ErrorCode.UNSUPPORTED_FEATURE, "weak hash kind 2", withHeader(9, 2)),
  invalid("strong-hash", ErrorCode.UNSUPPORTED_FEATURE, "strong hash kind 0", withHeader(10, 0)),
  invalid("flags", ErrorCode.UNSUPPORTED_FEATURE, "flag 1", withHeader(11, 1)),
  invalid("block-size-small", ErrorCode.CORRUPT_HEADER, "blocks of 15 bytes", withHeader(12, 15)),
  invalid("block-size-large", ErrorCode.CORRUPT_HEADER, "blocks of 65,537 bytes", withHeader(12, 1, 0, 1)),
  invalid(
    "basis-size",
    ErrorCode.CORRUPT_HEADER,
    "a basis of 2^53 bytes",
    withHeader(16, 0, 0, 0, 0, 0, 0, 32),
  ),
  invalid(
    "block-count",
    ErrorCode.COUNT_LIMIT,
    "a basis of 2^52 bytes in blocks of 16",
    withHeader(16, 0, 0, 0, 0, 0, 0, 16),
  ),
  invalid("header-checksum", ErrorCode.CORRUPT_HEADER, "a wrong checksum of the header", flipped(20)),
  invalid("weak-hash-flipped", ErrorCode.CORRUPT_BODY, "a weak hash with a flipped bit", flipped(72)),
  invalid("checksum", ErrorCode.CORRUPT_BODY, "a wrong checksum at the end", flipped(-1)),
  invalid("truncated-header", ErrorCode.TRUNCATED, "a file that ends in its header", (file) =>
    file.subarray(0, 71),
  ),
  invalid("truncated-hashes", ErrorCode.TRUNCATED, "a file that ends in its hashes", (file) =>
    file.subarray(0, 78),
  ),
  invalid("truncated-end", ErrorCode.TRUNCATED, "a file without its last byte", (file) =>
    file.subarray(0, -1),
  ),
  invalid("trailing", ErrorCode.TRAILING_DATA, "a byte behind the end", (file) =>
    concatBytes([file, Uint8Array.of(0)]),
  ),
];
