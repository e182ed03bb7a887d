/** Segments that decode to another length than is stated. */
import { concatBytes } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import { makeBytes } from "../../support/pairs.ts";
import type { GoldenCase } from "../golden.ts";
import { TEXT } from "./bases.ts";
import { op, type SegmentParts, type StreamParts, streamsOf, type WindowParts } from "./delta-builder.ts";
import { invalid } from "./invalid.ts";

const { CORRUPT_BODY, TARGET_MISMATCH } = ErrorCode;

const LITERALS = makeBytes(200, 4);

/** The codecs of the streams, and the stream whose segment is damaged. */
const DAMAGED: Record<string, { streams: readonly StreamParts[]; stream: number }> = {
  deflate: { streams: streamsOf(0, 1), stream: 1 },
  brotli: { streams: streamsOf(0, 2), stream: 1 },
  zstd: { streams: streamsOf(0, 3), stream: 1 },
  lz: { streams: streamsOf(0, 5), stream: 1 },
  text: { streams: streamsOf(0, 7), stream: 1 },
  ops: { streams: streamsOf(6, 0), stream: 0 },
  mix: { streams: streamsOf(0, 0, 4), stream: 2 },
  sparse: { streams: streamsOf(0, 0, 8), stream: 2 },
};

const LITERAL_WINDOW: WindowParts = {
  target: LITERALS,
  control: concatBytes([op.data(100), op.data(100)]),
  data: LITERALS,
};

function diffWindow(): WindowParts {
  const basis = TEXT.subarray(0, 80);
  const residual = basis.map((_, i) => (i % 7 === 3 ? i : 0));
  const target = basis.map((byte, i) => byte + residual[i]!);
  return { target, control: op.diff(80), residual, diffBasis: basis };
}

/** A segment of each codec that decodes to more or fewer bytes than stated, or ends early. */
export function segmentCases(): GoldenCase[] {
  return Object.entries(DAMAGED).flatMap(([codec, { streams, stream }]) => {
    const sound = stream === 2 ? diffWindow() : LITERAL_WINDOW;
    const damaged = (name: string, code: ErrorCode, says: string, edit: (segment: SegmentParts) => void) =>
      invalid(`${codec}-${name}`, code, `codec ${codec}: ${says}`, {
        streams,
        windows: [{ ...sound, edit: (segments) => edit(segments[stream]!) }],
      });
    // An arithmetic coder goes on with zeros where bytes are missing, and may come out with as many bytes.
    const cutCode = ["lz", "mix", "text"].includes(codec) ? TARGET_MISMATCH : CORRUPT_BODY;
    return [
      // Where a flush ends, a byte may be missing that says nothing.
      ...(codec === "sparse"
        ? []
        : [
            damaged("cut", cutCode, "a segment without its last coded byte", (segment) => {
              segment.coded = segment.coded.subarray(0, -1);
            }),
          ]),
      damaged("shorter", CORRUPT_BODY, "a segment that is stated shorter than it is", (segment) => {
        segment.rawBytes -= 1;
      }),
      damaged("longer", CORRUPT_BODY, "a segment that is stated longer than it is", (segment) => {
        segment.rawBytes += 1;
      }),
    ];
  });
}
