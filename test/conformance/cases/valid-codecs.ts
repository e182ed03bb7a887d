/** Every op with every codec, over windows that depend on those before. */
import { concatBytes, encodeUtf8 } from "../../../src/bytes/index.ts";
import { headerBlock, rawEntry } from "../../image/tar-builder.ts";
import { makeBytes } from "../../support/pairs.ts";
import type { GoldenCase } from "../golden.ts";
import { makeCode, TAR_ENTRIES } from "./bases.ts";
import { op, signedVarint, splice, streamsOf, type WindowParts } from "./delta-builder.ts";
import { literal, valid } from "./valid.ts";

/** All kinds of op over three windows of a tar; `next` and both times go on from window to window. */
function allOps(): WindowParts[] {
  const [tool, one, two] = TAR_ENTRIES.map((entry) => ({ entry, bytes: rawEntry(entry) }));
  const moved = (side: typeof tool, mtimeSeconds: number): Uint8Array =>
    rawEntry({ ...side!.entry, mtimeSeconds });
  const toolBytes = tool!.bytes.length;
  const content = tool!.bytes.subarray(512, 512 + 720);
  const changed = content.map((byte, i) => (i % 9 === 4 ? byte + i : byte));
  const residual = changed.map((byte, i) => byte - content[i]!);
  return [
    {
      target: concatBytes([tool!.bytes.subarray(0, 512), changed, new Uint8Array(304)]),
      control: concatBytes([op.copy(512), op.diff(720), op.run(304, 0)]),
      residual,
      diffBasis: content,
      spans: [720, 512, 512],
    },
    {
      target: concatBytes([
        moved(one, 1_700_000_101),
        moved(two, 105),
        headerBlock({ ...tool!.entry, name: "usr/bin/tool2", mtimeSeconds: 1_700_000_100 }),
        encodeUtf8("behind"),
      ]),
      // TOUCH both entries by 100 seconds; HEADER takes the same shift.
      control: concatBytes([
        op.touch(one!.bytes.length + two!.bytes.length, 0, 100),
        op.header(8, -(toolBytes + one!.bytes.length + two!.bytes.length), splice(12, 0, 1)),
        op.data(6),
      ]),
      data: encodeUtf8("2behind"),
    },
    {
      target: concatBytes([
        headerBlock({ ...tool!.entry, mtimeSeconds: 77, sizeBytes: 700 }),
        moved(two, 1005),
        headerBlock({ ...tool!.entry, mtimeSeconds: 77, linkName: "", prefix: "option" }),
      ]),
      control: concatBytes([
        op.header(1 + 2 + 4, -512 - 6, signedVarint(-20), signedVarint(77)),
        op.touch(512, toolBytes + one!.bytes.length - 512, 900),
        op.header(2 + 16 + 32, -(toolBytes + one!.bytes.length + 512), splice(0, 2, 0), splice(3, 0, 3)),
      ]),
      data: encodeUtf8("ion"),
      statedBytes: 0,
    },
  ];
}

const CODECS = { none: 0, deflate: 1, brotli: 2, zstd: 3, lz: 5, text: 7, sparse: 8 } as const;
const MIXED = streamsOf(6, 5, 4);

export function codecCases(): GoldenCase[] {
  const windows = allOps();
  const cases = Object.entries(CODECS).map(([codec, id]) =>
    valid(
      `ops-${codec}`,
      "tar",
      `every op, in windows that depend on those before, all streams with codec ${codec}`,
      {
        windows,
        streams: streamsOf(id, id, id),
      },
    ),
  );
  return [
    ...cases,
    valid("ops-mix", "tar", "every op, with codecs ops, lz and mix", { windows, streams: MIXED }),
    valid("residual-mix", "code", "residuals of calls in three segments, with codec mix", {
      windows: codeWindows(),
      streams: MIXED,
      segmentPower: 11,
    }),
    valid(
      "residual-sparse",
      "code",
      "residuals in three segments, with codec sparse: long gaps, and one segment that has none",
      {
        windows: [...codeWindows().slice(0, 2), denseWindow()],
        streams: streamsOf(0, 0, 8),
        segmentPower: 11,
      },
    ),
    valid("literals-lz", "empty", "literals in three segments, with codec lz: near, far and long matches", {
      windows: [
        makeBytes(700, 5),
        concatBytes([makeBytes(700, 5), new Uint8Array(9000).fill(7)]),
        makeBytes(300, 6),
      ].map(literal),
      streams: streamsOf(0, 5),
    }),
    valid(
      "literals-text",
      "empty",
      "literals in three segments, with codec text: words, other bytes, and longer matches",
      {
        windows: [
          encodeUtf8("const total = price * quantity; // the price’s total\n".repeat(3)),
          makeBytes(300, 5),
          concatBytes([makeBytes(300, 5), encodeUtf8("const TOTAL_9 = total + price;\n")]),
        ].map(literal),
        streams: streamsOf(0, 7),
      },
    ),
    valid(
      "literals-lz-long",
      "empty",
      "a segment of codec lz that is longer than 2^20 bytes: matches end there",
      {
        windows: [literal(new Uint8Array(2 ** 20 + 5000).map((_, i) => i % 5))],
        streams: streamsOf(0, 5),
        windowPower: 21,
        segmentPower: 21,
      },
    ),
  ];
}

/** The last of the machine code, each byte of it another. */
function denseWindow(): WindowParts {
  const [, , last] = codeWindows();
  const target = last!.diffBasis!.map((byte, i) => byte + 1 + (i % 255));
  return { ...last!, target, residual: target.map((_, i) => 1 + (i % 255)) };
}

/** DIFF ops over all of the machine code. */
function codeWindows(): WindowParts[] {
  const old = makeCode(200, 1200, 0);
  const wanted = makeCode(200, 1200, 40);
  return [0, 800, 1600].map((at): WindowParts => {
    const basis = old.subarray(at, at + 800);
    const target = wanted.subarray(at, at + 800);
    return {
      target,
      control: concatBytes([op.diff(300), op.diff(500)]),
      residual: target.map((byte, i) => byte - basis[i]!),
      diffBasis: basis,
      spans: [800, at, at],
    };
  });
}
