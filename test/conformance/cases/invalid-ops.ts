/** Ops that a reader must refuse. */
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import { rawEntry } from "../../image/tar-builder.ts";
import type { GoldenCase } from "../golden.ts";
import { TAR_ENTRIES } from "./bases.ts";
import { op, signedVarint, splice, varint } from "./delta-builder.ts";
import { body, invalid } from "./invalid.ts";

const { CORRUPT_BODY, UNSUPPORTED_FEATURE } = ErrorCode;

const tarOp = (
  name: string,
  says: string,
  control: Uint8Array,
  { data = "", basis = "tar" } = {},
): GoldenCase =>
  invalid(
    name,
    CORRUPT_BODY,
    says,
    { windows: [{ target: rawEntry(TAR_ENTRIES[0]!).subarray(0, 512), control, data: encodeUtf8(data) }] },
    { basis },
  );

export const OP_CASES: readonly GoldenCase[] = [
  body("op-length-zero", "an op of length 0", { control: concatBytes([Uint8Array.of(2), op.copy(36, 4)]) }),
  body("op-kind-6", "an op of kind 6", { control: varint(36 * 8 + 6) }, UNSUPPORTED_FEATURE),
  body("op-kind-7", "an op of kind 7", { control: varint(36 * 8 + 7) }, UNSUPPORTED_FEATURE),
  body("op-ends-early", "a control segment that ends inside an op", {
    control: op.copy(36, 4).subarray(0, 1),
  }),
  body("op-minus-zero", "a distance of minus zero", {
    control: concatBytes([varint(36 * 8), Uint8Array.of(0x40)]),
  }),
  body("op-long-form", "a distance that is not in its shortest form", {
    control: concatBytes([varint(36 * 8), Uint8Array.of(0x84, 0x00)]),
  }),
  body("op-before-basis", "COPY that begins before the basis", { control: op.copy(36, -1) }),
  body("op-behind-basis", "COPY that ends behind the basis", { control: op.copy(36, 53) }),
  body("op-offset-huge", "COPY at an offset of 2^53 - 1", { control: op.copy(36, 2 ** 53 - 1) }),
  body("op-length-huge", "COPY of 2^50 - 1 bytes", { control: op.copy(2 ** 50 - 1, 0) }),
  body("ops-too-many", "ops that make more than their window", { control: op.copy(37, 4) }),
  body("ops-too-few", "ops that make less than their window", { control: op.copy(35, 4) }),
  body("ops-none", "a window without ops", { control: EMPTY_BYTES }),
  body("run-without-byte", "RUN without its byte", { control: varint(36 * 8 + 3) }),
  body("data-missing", "DATA without a data segment", { control: op.data(36) }),
  body("data-left", "a data segment that is not used up", { data: Uint8Array.of(1) }),
  body("residual-missing", "DIFF without a residual segment", { control: op.diff(36, 4) }),
  body("residual-left", "a residual segment that is not used up", { residual: Uint8Array.of(1) }),
  tarOp("op-touch-no-header", "TOUCH of what is no tar header", op.touch(512, 512, 1)),
  tarOp("op-touch-inside-header", "TOUCH that ends inside a header", op.touch(511, 0, 1)),
  tarOp("op-touch-before-zero", "a time before 0", op.touch(512, 0, -1_700_000_001)),
  tarOp("op-touch-time-large", "a time of 8^11", op.touch(512, 0, 8 ** 11 - 1_700_000_000)),
  ...["checksum", "text", "time", "size"].flatMap((field, i) => [
    ...(field === "text"
      ? []
      : [
          tarOp(
            `op-touch-${field}-form`,
            `TOUCH of a header with another form of ${field}`,
            op.touch(512, 512 * i, 1),
            { basis: "odd-headers" },
          ),
        ]),
    tarOp(
      `op-header-${field}-form`,
      `HEADER of a header with another form of ${field}`,
      op.header(8, 512 * i, splice(0, 0, 1)),
      { basis: "odd-headers", data: "x" },
    ),
  ]),
  tarOp("op-header-flags", "HEADER with flag 64", op.header(64, 0)),
  tarOp("op-header-kept", "HEADER that keeps more than there is", op.header(8, 0, splice(13, 0, 0))),
  tarOp("op-header-removed", "HEADER that removes more than there is", op.header(8, 0, splice(6, 7, 0))),
  tarOp(
    "op-header-too-long",
    "HEADER that makes a text longer than its field",
    op.header(8, 0, splice(12, 0, 89)),
    { data: "x".repeat(89) },
  ),
  tarOp(
    "op-header-insert-missing",
    "HEADER that inserts more than the data segment has",
    op.header(8, 0, splice(0, 0, 2)),
    { data: "x" },
  ),
  tarOp("op-header-size-negative", "a size below 0", op.header(1, 0, signedVarint(-721))),
  tarOp("op-header-size-large", "a size of 8^11", op.header(1, 0, signedVarint(8 ** 11 - 720))),
  tarOp("op-header-time-negative", "a named time below 0", op.header(6, 0, signedVarint(-1))),
];
