/** Each extension of the header, and what is said of the basis. */
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../../src/bytes/index.ts";
import type { GoldenCase } from "../golden.ts";
import { op, streamsOf, varint } from "./delta-builder.ts";
import { literal, text, valid } from "./valid.ts";

export function extensionCases(): GoldenCase[] {
  const windows = [{ target: text(4, 40), control: op.copy(36, 4) }];
  const pair = (key: string, value: string): Uint8Array =>
    concatBytes([key, value].map((each) => concatBytes([varint(encodeUtf8(each).length), encodeUtf8(each)])));
  const metadata = (...pairs: [string, string][]): Uint8Array =>
    concatBytes(pairs.map(([key, value]) => pair(key, value)));
  const words = encodeUtf8("the lazy dog jumps over the quick brown fox\n");
  return [
    valid(
      "metadata",
      "text",
      "metadata whose keys are empty, long and beyond ASCII, in the order of UTF-16",
      {
        windows,
        extensions: [
          [
            2,
            metadata(
              ["", ""],
              ["basis.reference", "app:1"],
              ["k".repeat(200), "v".repeat(300)],
              ["é", "ü"],
              ["\u{1f600}", "1"],
              ["\uffee", "2"],
            ),
          ],
        ],
      },
    ),
    valid("basis-checksum", "text", "another checksum of the basis, whose digest is right", {
      windows,
      basisXxh64: 0n,
    }),
    valid("metadata-empty", "text", "metadata without a pair", { windows, extensions: [[2, EMPTY_BYTES]] }),
    valid("extensions-unknown", "text", "unknown extensions that a reader skips", {
      windows,
      extensions: [
        [6, encodeUtf8("skip me")],
        [2 ** 40, EMPTY_BYTES],
      ],
    }),
    valid("in-place", "text", "in-place extension", {
      windows,
      extensions: [[4, concatBytes([Uint8Array.of(14, 9), varint(1), varint(3)])]],
    }),
    valid("in-place-bounds", "text", "in-place extension: the largest steps and blocks", {
      windows,
      extensions: [[4, concatBytes([Uint8Array.of(26, 24), varint(2 ** 29 - 1), varint(2 ** 43 - 1)])]],
    }),
    valid("tree", "text", "tree extension", {
      windows,
      extensions: [[10, concatBytes([varint(300), varint(2)])]],
    }),
    valid("tree-bounds", "text", "tree extension: the most contents and entries", {
      windows,
      extensions: [[10, concatBytes([varint(2 ** 41 - 1), varint(2 ** 53 - 1)])]],
    }),
    valid("all-extensions", "text", "metadata, primer, in-place and unknown extensions together", {
      windows: [literal(words)],
      streams: streamsOf(0, 0, 0),
      extensions: [
        [2, metadata(["a", "b"])],
        [4, concatBytes([Uint8Array.of(12, 12), varint(0), varint(1)])],
        [8, EMPTY_BYTES],
      ],
    }),
  ];
}
