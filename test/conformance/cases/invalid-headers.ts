/** Headers that a reader must refuse. */
import { concatBytes, EMPTY_BYTES, encodeUtf8, fromHex } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import type { GoldenCase } from "../golden.ts";
import { PLAIN_STREAMS, signedVarint, streamsOf, varint } from "./delta-builder.ts";
import { type Change, extension, flipped, invalid } from "./invalid.ts";

const { CORRUPT_HEADER, UNSUPPORTED_FEATURE, UNSUPPORTED_CODEC, SIZE_LIMIT, MEMORY_LIMIT } = ErrorCode;

const header = (name: string, says: string, change: Change, code: ErrorCode = CORRUPT_HEADER): GoldenCase =>
  invalid(`header-${name}`, code, says, change);
/** Puts bytes in the place of one byte of the header. */
const replaced = (at: number, bytes: Uint8Array) => (body: Uint8Array) =>
  concatBytes([body.subarray(0, at), bytes, body.subarray(at + 1)]);

/** Where fields of the header stand as long as both sizes take one byte. */
const AT = { basisSize: 1, streamCount: 77 };

export const HEADER_CASES: readonly GoldenCase[] = [
  invalid("header-checksum", CORRUPT_HEADER, "a wrong checksum of the header", {}, { editFile: flipped(20) }),
  invalid(
    "header-length",
    CORRUPT_HEADER,
    "a header of more than 2^20 bytes",
    {},
    {
      editFile: (file) => concatBytes([file.subarray(0, 9), varint(2 ** 20 + 1), file.subarray(10)]),
    },
  ),
  header("ends-early", "a header that ends inside a field", { editHeader: (body) => body.subarray(0, -1) }),
  header("form", "target form 2", { form: 2 }, UNSUPPORTED_FEATURE),
  header("integer-long-form", "an integer that is not in its shortest form", {
    editHeader: replaced(AT.basisSize, Uint8Array.of(0xd8, 0x00)),
  }),
  header("integer-too-large", "an integer of 2^53", {
    editHeader: replaced(AT.basisSize, fromHex("8080808080808010")),
  }),
  header("integer-endless", "an integer of ten bytes", {
    editHeader: replaced(AT.basisSize, fromHex("80808080808080808001")),
  }),
  header("power", "a power of 2^53", { windowPower: 53 }),
  header("streams-none", "no streams", { streams: [] }),
  header("streams-four", "four streams", { streams: [...PLAIN_STREAMS, [3, 0]] }, UNSUPPORTED_FEATURE),
  header("streams-fall", "stream numbers that fall", {
    streams: [
      [0, 0],
      [2, 0],
      [1, 0],
    ],
  }),
  header("streams-twice", "a stream that is declared twice", {
    streams: [
      [0, 0],
      [0, 0],
    ],
  }),
  header("streams-no-control", "streams without control", {
    streams: [
      [1, 0],
      [2, 0],
    ],
  }),
  header("codec", "codec 63", { editHeader: (body) => body.with(AT.streamCount + 1, 63) }, UNSUPPORTED_CODEC),
  header("mix-for-data", "codec mix for the data stream", {
    streams: streamsOf(0, 4),
  }),
  header("mix-for-control", "codec mix for the control stream", {
    editHeader: (body) => body.with(AT.streamCount + 1, 4),
  }),
  header("ops-for-data", "codec ops for the data stream", {
    streams: streamsOf(0, 6),
  }),
  header("mix-segments", "codec mix with segments of more than 2^20 bytes", {
    streams: [
      [0, 0],
      [2, 4],
    ],
    segmentPower: 21,
  }),
  header("ops-segments", "codec ops with segments of more than 2^20 bytes", {
    streams: streamsOf(6),
    segmentPower: 21,
  }),
  header("text-segments", "codec text with segments of more than 2^20 bytes", {
    streams: streamsOf(0, 7),
    segmentPower: 21,
  }),
  header("lz-memory", "codec lz with a decoder memory of 2^21 bytes", {
    streams: [
      [0, 0],
      [1, 5, 21],
    ],
  }),
  header("extension-tag-zero", "an extension with tag 0", extension(0, EMPTY_BYTES)),
  header(
    "extension-odd",
    "an unknown extension with an odd tag",
    extension(5, EMPTY_BYTES),
    UNSUPPORTED_FEATURE,
  ),
  header("extensions-fall", "extensions whose tags fall", {
    extensions: [
      [8, EMPTY_BYTES],
      [6, EMPTY_BYTES],
    ],
  }),
  header("extension-twice", "an extension that comes twice", {
    extensions: [
      [2, EMPTY_BYTES],
      [2, EMPTY_BYTES],
    ],
  }),
  header("extension-length", "an extension that is longer than the header", {
    editHeader: (body) => concatBytes([body, varint(6), varint(1)]),
  }),
  header("metadata-fall", "metadata keys that fall", extension(2, encodeUtf8("\x01b\x00\x01a\x00"))),
  header(
    "metadata-twice",
    "a metadata key that comes twice",
    extension(2, encodeUtf8("\x01a\x01b\x01a\x01c")),
  ),
  header("metadata-utf8", "metadata that is not UTF-8", extension(2, Uint8Array.of(1, 0xff, 0))),
  header("metadata-no-value", "a metadata key without a value", extension(2, encodeUtf8("\x01a"))),
  header(
    "primer-codec",
    "a primer for another codec than lz",
    extension(3, concatBytes([signedVarint(0), varint(1)])),
  ),
  ...(
    [
      ["none", "a primer without ranges", EMPTY_BYTES],
      ["empty-range", "a primer with a range of no bytes", concatBytes([signedVarint(0), varint(0)])],
      ["before", "a primer that begins before the basis", concatBytes([signedVarint(-1), varint(1)])],
      ["behind", "a primer that ends behind the basis", concatBytes([signedVarint(80), varint(9)])],
    ] as const
  ).map(([name, says, value]) =>
    header(`primer-${name}`, says, {
      ...extension(3, value),
      streams: streamsOf(0, 5),
    }),
  ),
  ...(
    [
      ["step", "steps of 2^27 bytes", 27, 12, 0, 0],
      ["block-small", "blocks of 2^8 bytes", 12, 8, 0, 0],
      ["block-large", "blocks of 2^25 bytes", 26, 25, 0, 0],
      ["block-over-step", "blocks that are larger than steps", 12, 13, 0, 0],
      ["stash", "a stash of 2^53 bytes", 12, 12, 2 ** 41, 0],
      ["spool", "a spool of 2^53 bytes", 12, 12, 0, 2 ** 43],
    ] as const
  ).map(([name, says, step, block, stash, spool]) =>
    header(
      `in-place-${name}`,
      says,
      extension(4, concatBytes([Uint8Array.of(step, block), varint(stash), varint(spool)])),
    ),
  ),
  header(
    "in-place-longer",
    "an in-place extension with a byte too many",
    extension(4, Uint8Array.of(12, 12, 0, 0, 0)),
  ),
  header("tree-content", "contents of 2^53 bytes", extension(10, concatBytes([varint(2 ** 41), varint(0)]))),
  header("tree-longer", "a tree extension with a byte too many", extension(10, Uint8Array.of(0, 0, 0))),
  header("tree-shorter", "a tree extension without its entries", extension(10, Uint8Array.of(0))),
  header("limit-target", "a target of 2^41 bytes", { targetBytes: 2 ** 41 }, SIZE_LIMIT),
  header("limit-window", "windows of 2^31 bytes", { windowPower: 31 }, SIZE_LIMIT),
  header("limit-segment", "segments of 2^25 bytes", { segmentPower: 25 }, MEMORY_LIMIT),
  header("limit-decoder", "a decoder that takes 2^27 bytes", { streams: [[0, 0, 27]] }, MEMORY_LIMIT),
];
