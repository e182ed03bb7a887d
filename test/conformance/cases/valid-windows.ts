/** Windows and segments at the edges of what a header allows, and sizes over 2^32. */
import { concatBytes, encodeUtf8 } from "../../../src/bytes/index.ts";
import { hashSource, hashSource64 } from "../../../src/hash/index.ts";
import { makeBytes } from "../../support/pairs.ts";
import type { GoldenCase } from "../golden.ts";
import { SPARSE_BASES, sparseSource } from "./bases.ts";
import { op, type WindowParts } from "./delta-builder.ts";
import { literal, text, valid } from "./valid.ts";

export function windowCases(): GoldenCase[] {
  const bytes = makeBytes(600, 9);
  const cut = (...ends: number[]): WindowParts[] =>
    ends.map((end, i) => literal(bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end)));
  const last = (windows: WindowParts[], change: object): WindowParts[] =>
    windows.map((window, i) => (i === windows.length - 1 ? { ...window, ...change } : window));
  return [
    valid("windows-full", "empty", "windows of as many bytes as the header allows", {
      windows: cut(256, 512),
      windowPower: 8,
    }),
    valid("windows-one-more", "empty", "a last window of one byte", {
      windows: cut(256, 512, 513),
      windowPower: 8,
    }),
    valid("window-one-byte", "empty", "windows of one byte, and no more allowed", {
      windows: cut(1, 2, 3),
      windowPower: 0,
    }),
    valid("window-size-left-out", "empty", "a window whose size 0 stands for the whole target", {
      windows: last(cut(600), { statedBytes: 0 }),
    }),
    valid("window-sizes-stated", "empty", "a last window whose size is stated although it need not be", {
      windows: cut(500, 600),
    }),
    valid("segments-full", "empty", "segments of as many bytes as the header allows", {
      windows: cut(64, 128),
      segmentPower: 6,
    }),
    valid("window-count-two-bytes", "empty", "more than 127 windows", {
      windows: Array.from({ length: 130 }, (_, i) => literal(bytes.subarray(i, i + 1))),
    }),
  ];
}

/** Offsets and sizes that 32 bits do not hold, from few bytes. */
export function largeCases(): GoldenCase[] {
  const past = 2 ** 32;
  const zeros = new Uint8Array(2 ** 26);
  const sparse = SPARSE_BASES["past-32-bits"]!;
  return [
    valid(
      "basis-past-32-bits",
      "past-32-bits",
      "COPY and DIFF below, across and above offset 2^32",
      async () => ({
        windows: [
          {
            target: encodeUtf8("across 2^32\0\0ACR2^32at end"),
            control: concatBytes([
              op.copy(11, past - 6),
              op.copy(2, -past - 5),
              op.diff(3, past - 8),
              op.copy(4, 4),
              op.copy(6, 4085),
            ]),
            residual: Uint8Array.of(0xe0, 0xe0, 0xe0),
          },
        ],
        basisBytes: sparse.bytes,
        basisSha256: await hashSource(sparseSource(sparse)),
        basisXxh64: await hashSource64(sparseSource(sparse)),
      }),
    ),
    valid("target-past-32-bits", "text", "a target of more than 2^32 bytes, by RUN", {
      windows: [
        ...Array.from({ length: 64 }, () => ({ target: zeros, control: op.run(zeros.length, 0) })),
        { target: text(0, 44), control: op.copy(44, -past) },
      ],
      windowPower: 26,
    }),
  ];
}
