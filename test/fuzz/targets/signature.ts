/** Signatures: read, written again, and used to make a delta. */
import { equalBytes } from "../../../src/bytes/index.ts";
import { createDelta } from "../../../src/encode/index.ts";
import { memorySink, memorySource } from "../../../src/io/index.ts";
import { buildSignature, encodeSignature, readSignature } from "../../../src/signature/index.ts";
import { inPieces, makeBytes } from "../../support/pairs.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { repairSignature } from "./repair.ts";

const LIMITS = { blockCount: 1 << 12 };
const TARGET = makeBytes(3000, 3);

async function makeSeed(length: number, blockBytes: number): Promise<Uint8Array> {
  return encodeSignature(await buildSignature(memorySource(makeBytes(length, 3)), { blockBytes }));
}

/** The parser of signatures. */
export const signatureTarget: FuzzTarget = {
  name: "signature",
  dictionary: [Uint8Array.of(0x89, 0x66, 0x6c, 0x61, 0x74, 0x73, 0x0d, 0x0a), new Uint8Array(8).fill(0xff)],
  seeds: async () => [
    await makeSeed(0, 16),
    await makeSeed(100, 16),
    await makeSeed(2500, 64),
    await makeSeed(2048, 256),
  ],
  repair: repairSignature,
  run: async (input) => {
    const whole = await attempt(() => readSignature(input, { limits: LIMITS }));
    const pieces = await attempt(() =>
      readSignature(inPieces(input, 1 + (input.length % 7)), { limits: LIMITS }),
    );
    const codeOf = (outcome: typeof whole): string => describeOutcome(outcome, () => "read");
    demandSame(codeOf(pieces), codeOf(whole), "in pieces");
    if ("code" in whole) return;
    demand(
      equalBytes(await encodeSignature(whole.value), input),
      "a signature that is written otherwise than it was read",
    );
    await attempt(() =>
      createDelta(whole.value, memorySource(TARGET), memorySink(), { level: 1, codec: "none" }),
    );
  },
};
