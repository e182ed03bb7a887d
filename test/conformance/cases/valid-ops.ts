/** Each op at its edges. */
import { concatBytes, encodeUtf8 } from "../../../src/bytes/index.ts";
import { rawEntry } from "../../image/tar-builder.ts";
import type { GoldenCase } from "../golden.ts";
import { TAR_ENTRIES, TEXT } from "./bases.ts";
import { op, signedVarint, splice, streamsOf, type WindowParts } from "./delta-builder.ts";
import { headerWith, literal, text, valid } from "./valid.ts";

export function opCases(): GoldenCase[] {
  const one = Uint8Array.of(0x62);
  return [
    valid("empty-to-empty", "empty", "an empty target of an empty basis: no window", { windows: [] }),
    valid("empty-target", "text", "an empty target: no window", { windows: [] }),
    valid("empty-basis", "empty", "a basis of no bytes", { windows: [literal(text(0, 44))] }),
    valid("one-byte", "byte", "one byte of another", {
      windows: [
        { target: one, control: op.diff(1), residual: Uint8Array.of(1), diffBasis: Uint8Array.of(0x61) },
      ],
    }),
    valid("one-stream", "text", "a header that declares no stream but control", {
      windows: [{ target: text(4, 40), control: op.copy(36, 4) }],
      streams: streamsOf(0),
    }),
    valid("no-data-stream", "byte", "a header that declares control and residual alone", {
      windows: [{ target: one, control: op.diff(1), residual: Uint8Array.of(1) }],
      streams: [
        [0, 0],
        [2, 0],
      ],
    }),
    valid("whole-basis", "text", "COPY from the first byte of the basis to its last", {
      windows: [{ target: TEXT, control: op.copy(TEXT.length) }],
    }),
    valid("backwards", "text", "distances below 0, and more than one byte long", {
      windows: [
        {
          target: concatBytes([text(80), text(0, 3), text(87), text(70, 71)]),
          control: concatBytes([op.copy(8, 80), op.copy(3, -88), op.copy(1, 84), op.copy(1, -18)]),
        },
      ],
    }),
    valid("all-runs", "empty", "RUN of all lengths around one and two bytes of varint", {
      windows: [15, 16, 17, 2047, 2048, 2049].map((length, byte) => ({
        target: new Uint8Array(length).fill(byte * 51),
        control: op.run(length, byte * 51),
      })),
    }),
    valid(
      "next-follows-literals",
      "text",
      "distance 0 behind DATA and RUN skips as many bytes of the basis",
      {
        windows: [
          {
            target: concatBytes([
              text(0, 4),
              encodeUtf8("slow!"),
              text(9, 10),
              new Uint8Array(3),
              text(13, 20),
            ]),
            control: concatBytes([op.copy(4), op.data(5), op.copy(1), op.run(3, 0), op.copy(7)]),
            data: encodeUtf8("slow!"),
          },
        ],
      },
    ),
    valid("touch-ends-in-content", "tar", "TOUCH of a header and some of its content", {
      windows: [
        {
          target: concatBytes([
            headerWith({ mtimeSeconds: 1_700_000_000 - 8 }),
            rawEntry(TAR_ENTRIES[0]!).subarray(512, 612),
          ]),
          control: op.touch(612, 0, -8),
        },
      ],
    }),
    valid("touch-time-bounds", "tar", "times that become 0 and 8^11 - 1", {
      windows: [
        {
          target: concatBytes([headerWith({ mtimeSeconds: 0 }), headerWith({ mtimeSeconds: 8 ** 11 - 1 })]),
          control: concatBytes([op.touch(512, 0, -1_700_000_000), op.touch(512, -512, 8 ** 11 - 1)]),
        },
      ],
    }),
    valid("header-every-flag", "tar", "HEADER with each of the 64 sums of flags", {
      windows: [everyFlag()],
      segmentPower: 12,
    }),
    valid(
      "header-full-fields",
      "tar",
      "HEADER that fills name, link name and prefix to their last byte, and empties them",
      {
        windows: [
          {
            target: concatBytes([
              headerWith({ name: "n".repeat(100), linkName: "l".repeat(100), prefix: "p".repeat(155) }),
              headerWith({ name: "", linkName: "", prefix: "" }),
            ]),
            control: concatBytes([
              op.header(56, 0, splice(0, 12, 100), splice(0, 2, 100), splice(0, 3, 155)),
              op.header(56, -512, splice(0, 12, 0), splice(0, 2, 0), splice(0, 3, 0)),
            ]),
            data: encodeUtf8("n".repeat(100) + "l".repeat(100) + "p".repeat(155)),
          },
        ],
      },
    ),
    valid("header-size-bounds", "tar", "sizes that become 0 and 8^11 - 1", {
      windows: [
        {
          target: concatBytes([headerWith({ sizeBytes: 0 }), headerWith({ sizeBytes: 8 ** 11 - 1 })]),
          control: concatBytes([
            op.header(1, 0, signedVarint(-720)),
            op.header(1, -512, signedVarint(8 ** 11 - 1 - 720)),
          ]),
        },
      ],
    }),
  ];
}

/** 64 HEADER ops, each from the tar's first header. */
function everyFlag(): WindowParts {
  const targets: Uint8Array[] = [];
  const controls: Uint8Array[] = [];
  const data: string[] = [];
  let [shift, named] = [0, 0];
  for (let flags = 0; flags < 64; flags++) {
    const changes: Uint8Array[] = [];
    let [sizeBytes, name, linkName, prefix] = [720, "usr/bin/tool", "to", "opt"];
    if (flags & 1) {
      sizeBytes += flags;
      changes.push(signedVarint(flags));
    }
    if (flags & 4) {
      changes.push(signedVarint(3));
      if (flags & 2) named += 3;
      else shift += 3;
    }
    if (flags & 8) {
      name = "usr/sbin/tool";
      changes.push(splice(4, 0, 1));
      data.push("s");
    }
    if (flags & 16) {
      linkName = "of";
      changes.push(splice(0, 2, 2));
      data.push("of");
    }
    if (flags & 32) {
      prefix = "op";
      changes.push(splice(2, 1, 0));
    }
    const mtimeSeconds = flags & 2 ? named : 1_700_000_000 + shift;
    targets.push(headerWith({ sizeBytes, name, linkName, prefix, mtimeSeconds }));
    controls.push(op.header(flags, flags === 0 ? 0 : -512, ...changes));
  }
  return { target: concatBytes(targets), control: concatBytes(controls), data: encodeUtf8(data.join("")) };
}
