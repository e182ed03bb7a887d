/** Files and windows whose records a reader must refuse. */
import { concatBytes, EMPTY_BYTES } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import type { GoldenCase } from "../golden.ts";
import { TEXT } from "./bases.ts";
import { op, streamsOf } from "./delta-builder.ts";
import { body, flipped, invalid, SOUND, window } from "./invalid.ts";

const {
  BAD_MAGIC,
  TRUNCATED,
  CORRUPT_BODY,
  TRAILING_DATA,
  BASIS_MISMATCH,
  TARGET_MISMATCH,
  UNSUPPORTED_VERSION,
  UNSUPPORTED_FEATURE,
} = ErrorCode;

export const FILE_CASES: readonly GoldenCase[] = [
  invalid("magic", BAD_MAGIC, "another magic", {}, { editFile: flipped(7) }),
  invalid(
    "text-mode",
    BAD_MAGIC,
    "a file whose line ends were changed on the way",
    {},
    {
      editFile: (file) => concatBytes([file.subarray(0, 6), file.subarray(7)]),
    },
  ),
  invalid("version", UNSUPPORTED_VERSION, "version 2", { version: 2 }),
  invalid("nothing", TRUNCATED, "no bytes at all", {}, { editFile: () => EMPTY_BYTES }),
  invalid(
    "truncated-header",
    TRUNCATED,
    "a file that ends in its header",
    {},
    { editFile: (file) => file.subarray(0, 50) },
  ),
  invalid(
    "truncated-segment",
    TRUNCATED,
    "a file that ends in a segment",
    {},
    { editFile: (file) => file.subarray(0, -8) },
  ),
  invalid(
    "truncated-end",
    TRUNCATED,
    "a file without its last byte",
    {},
    { editFile: (file) => file.subarray(0, -1) },
  ),
  invalid(
    "trailing",
    TRAILING_DATA,
    "a byte behind the end",
    {},
    { editFile: (file) => concatBytes([file, Uint8Array.of(0)]) },
  ),
  invalid("checksum", CORRUPT_BODY, "a wrong checksum at the end", {}, { editFile: flipped(-1) }),
  invalid("window-count", CORRUPT_BODY, "an end that counts another number of windows", { windowCount: 2 }),
  invalid("record-kind", UNSUPPORTED_FEATURE, "a record of kind 2", window({ kind: 2 })),
  invalid("basis-size", BASIS_MISMATCH, "a basis of another size", { basisBytes: 87 }),
  invalid("basis-digest", BASIS_MISMATCH, "a basis of another digest and another checksum", {
    basisSha256: new Uint8Array(32),
    basisXxh64: 0n,
  }),
  invalid("target-digest", TARGET_MISMATCH, "a target of another digest", {
    targetSha256: new Uint8Array(32),
  }),
  invalid("target-too-short", CORRUPT_BODY, "windows that make less than the target", { targetBytes: 37 }),
  invalid("target-too-long", CORRUPT_BODY, "a window that makes more than the target", { targetBytes: 35 }),
  invalid("window-too-many", CORRUPT_BODY, "a window although the target is made", {
    windows: [SOUND, { ...SOUND, statedBytes: 0 }],
    targetBytes: 36,
  }),
];

export const WINDOW_CASES: readonly GoldenCase[] = [
  body("window-checksum", "a wrong checksum of a window", { checksum: 1 }, TARGET_MISMATCH),
  invalid("window-too-large", CORRUPT_BODY, "a window that is larger than the header allows", {
    windowPower: 5,
  }),
  invalid("window-undeclared", CORRUPT_BODY, "a segment of a stream that is not declared", {
    streams: streamsOf(0),
    windows: [{ target: TEXT.subarray(0, 4), control: op.data(4), data: TEXT.subarray(0, 4) }],
  }),
  invalid("segment-too-large", CORRUPT_BODY, "a segment that is larger than the header allows", {
    segmentPower: 3,
    windows: [{ target: TEXT.subarray(0, 9), control: op.data(9), data: TEXT.subarray(0, 9) }],
  }),
  body("segment-expanded", "a segment that is coded in far more bytes than it has", {
    edit: ([control]) => {
      control!.coded = new Uint8Array(control!.rawBytes + 4097);
    },
  }),
  body("segment-none-longer", "a segment of codec none with more bytes than stated", {
    edit: ([control]) => {
      control!.coded = concatBytes([control!.coded, Uint8Array.of(0)]);
    },
  }),
];
