/** Segments that decode to another length than is stated. */
import { concatBytes } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import { makeBytes } from "../../support/pairs.ts";
import type { GoldenCase } from "../golden.ts";
import { TEXT } from "./bases.ts";
import { op, type StreamParts, type WindowParts } from "./delta-builder.ts";
import { invalid } from "./invalid.ts";

const { CORRUPT_BODY, TARGET_MISMATCH } = ErrorCode;

const LITERALS = makeBytes(200, 4);

/** A segment of each codec that decodes to more or fewer bytes than stated, or ends early. */
export function segmentCases(): GoldenCase[] {
  const streams: Record<string, readonly StreamParts[]> = {
    deflate: [
      [0, 0],
      [1, 1],
    ],
    brotli: [
      [0, 0],
      [1, 2],
    ],
    zstd: [
      [0, 0],
      [1, 3],
    ],
    lz: [
      [0, 0],
      [1, 5],
    ],
    ops: [
      [0, 6],
      [1, 0],
    ],
    mix: [
      [0, 0],
      [1, 0],
      [2, 4],
    ],
  };
  return Object.entries(streams).flatMap(([codec, declared]) => {
    const stream = codec === "ops" ? 0 : codec === "mix" ? 2 : 1;
    const basis = TEXT.subarray(0, 80);
    const target = codec === "mix" ? basis.map((byte, i) => byte + (i % 7 === 3 ? i : 0)) : LITERALS;
    const sound: WindowParts =
      codec === "mix"
        ? {
            target,
            control: op.diff(80),
            residual: target.map((byte, i) => byte - basis[i]!),
            diffBasis: basis,
          }
        : { target, control: concatBytes([op.data(100), op.data(100)]), data: LITERALS };
    const damaged = (
      name: string,
      says: string,
      edit: (segment: { rawBytes: number; coded: Uint8Array }) => void,
      code: ErrorCode = CORRUPT_BODY,
    ) =>
      invalid(`${codec}-${name}`, code, `codec ${codec}: ${says}`, {
        streams: declared,
        windows: [{ ...sound, edit: (segments) => edit(segments[stream]!) }],
      });
    // An arithmetic coder goes on with zeros where bytes are missing, and may come out with as many bytes.
    const cutCode = codec === "lz" || codec === "mix" ? TARGET_MISMATCH : CORRUPT_BODY;
    return [
      damaged(
        "cut",
        "a segment without its last coded byte",
        (segment) => {
          segment.coded = segment.coded.subarray(0, -1);
        },
        cutCode,
      ),
      damaged("shorter", "a segment that is stated shorter than it is", (segment) => {
        segment.rawBytes -= 1;
      }),
      damaged("longer", "a segment that is stated longer than it is", (segment) => {
        segment.rawBytes += 1;
      }),
    ];
  });
}
