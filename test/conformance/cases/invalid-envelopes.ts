/** Envelopes that a reader must refuse. */
import { concatBytes } from "../../../src/bytes/index.ts";
import { ErrorCode } from "../../../src/errors.ts";
import type { GoldenCase } from "../golden.ts";
import { fields, op } from "./delta-builder.ts";
import { type Change, extension, invalid } from "./invalid.ts";

const { CORRUPT_HEADER, CORRUPT_BODY } = ErrorCode;

const envelope = (headBlocks: number, config: number, digest: number): Uint8Array =>
  fields((out) => {
    for (const value of [headBlocks, config, digest, 1]) out.varint(value);
    out.bytes(new Uint8Array(32));
  });

/** An envelope around the target of one RUN, which is no flat image. */
function enveloped(
  name: string,
  code: ErrorCode,
  says: string,
  value: Uint8Array,
  change: Change = {},
): GoldenCase {
  const target = new Uint8Array(20_000);
  return invalid(`envelope-${name}`, code, says, {
    form: 1,
    windows: [{ target, control: op.run(target.length, 0) }],
    ...extension(1, value),
    ...change,
  });
}

export const ENVELOPE_CASES: readonly GoldenCase[] = [
  enveloped("plain", CORRUPT_HEADER, "an envelope where the target is no flat image", envelope(12, 300, 0), {
    form: 0,
  }),
  enveloped("config", CORRUPT_HEADER, "a config that is longer than the head", envelope(12, 6145, 0)),
  enveloped("digits", CORRUPT_HEADER, "digits that reach behind the config", envelope(12, 300, 237)),
  enveloped("config-short", CORRUPT_HEADER, "a config that is shorter than the digits", envelope(12, 63, 0)),
  enveloped("head", CORRUPT_HEADER, "a head that is longer than the target", envelope(40, 300, 0)),
  enveloped(
    "longer",
    CORRUPT_HEADER,
    "an envelope with a byte too many",
    concatBytes([envelope(12, 300, 0), Uint8Array.of(0)]),
  ),
  enveloped(
    "first-window",
    CORRUPT_BODY,
    "a first window that is shorter than the head",
    envelope(12, 300, 0),
    {
      windows: [6143, 13_857].map((length) => ({
        target: new Uint8Array(length),
        control: op.run(length, 0),
      })),
    },
  ),
  enveloped("head-length", CORRUPT_BODY, "a head that comes out with another length", envelope(13, 300, 0), {
    windows: [{ target: new Uint8Array(20_000), control: op.run(20_000 - 13 * 512 + 300 - 64, 0x20) }],
  }),
  enveloped("layer", CORRUPT_BODY, "a head that leaves no room for a layer", envelope(38, 300, 0), {
    windows: [{ target: new Uint8Array(20_000), control: op.run(20_000 - 38 * 512 + 300 - 64, 0x20) }],
  }),
];
