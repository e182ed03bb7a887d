/** Signatures and deltas as rdiff has them. */
import { concatBytes, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import {
  applyRdiffDelta,
  createRdiffDelta,
  inspectRdiffDelta,
  readRdiffSignature,
  writeRdiffSignature,
} from "../../../src/interop/index.ts";
import { memorySink, memorySource } from "../../../src/io/index.ts";
import { applyEdit, inPieces, makeBytes } from "../../support/pairs.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";

const LIMITS = { targetBytes: 1 << 18 };
const SIGNATURE_LIMITS = { blockBytes: 1 << 16, hashBytes: 1 << 16 };
const BASIS = makeBytes(4000, 31);
const TARGET = applyEdit(BASIS, { kind: "insert", at: 1500, bytes: makeBytes(80, 32) });
const DELTA_MAGIC = Uint8Array.of(0x72, 0x73, 0x02, 0x36);

async function makeSignature(
  weakHash: "rollsum" | "rabinkarp",
  strongHash: "md4" | "blake2b",
): Promise<Uint8Array> {
  const sink = memorySink();
  await writeRdiffSignature(BASIS, sink, { weakHash, strongHash, blockBytes: 256, strongBytes: 8 });
  return sink.bytes();
}

async function makeDelta(): Promise<Uint8Array> {
  const sink = memorySink();
  await createRdiffDelta(memorySource(BASIS), memorySource(TARGET), sink);
  return sink.bytes();
}

/** A number of so many bytes, high byte first. */
function bigEndian(value: number, width: number): Uint8Array {
  const whole = BigInt(Math.max(0, value));
  return Uint8Array.from({ length: width }, (_, i) => Number((whole >> BigInt(8 * (width - 1 - i))) & 0xffn));
}

/** An op of the delta: a literal or a copy, with numbers of any width; now and then one that is not right. */
function randomOp(random: Random, basisBytes: number): Uint8Array {
  const odd = (value: number): number => (random.oneIn(20) ? Math.abs(random.edge(value)) : value);
  if (random.oneIn(30)) return random.bytes(1);
  if (random.oneIn(2)) {
    const literal = random.bytes(random.length(100));
    const width = random.below(4);
    if (random.oneIn(2) && literal.length > 0 && literal.length <= 64)
      return concatBytes([Uint8Array.of(literal.length), literal]);
    return concatBytes([Uint8Array.of(0x41 + width), bigEndian(odd(literal.length), 2 ** width), literal]);
  }
  const [offsetWidth, lengthWidth] = [1 + random.below(3), random.below(4)];
  const offset = bigEndian(odd(random.below(basisBytes)), 2 ** offsetWidth);
  const length = bigEndian(odd(1 + random.below(300)), 2 ** lengthWidth);
  return concatBytes([Uint8Array.of(0x45 + 4 * offsetWidth + lengthWidth), offset, length]);
}

/** A delta of some ops. */
export function randomDelta(random: Random, basisBytes: number): Uint8Array {
  const ops = Array.from({ length: random.below(8) }, () => randomOp(random, basisBytes));
  return concatBytes([DELTA_MAGIC, ...ops, Uint8Array.of(0)]);
}

/** The parsers of librsync's files. */
export const librsyncTarget: FuzzTarget = {
  name: "librsync",
  dictionary: [DELTA_MAGIC, ...[0x36, 0x37, 0x46, 0x47].map((low) => Uint8Array.of(0x72, 0x73, 0x01, low))],
  seeds: async () => [
    await makeSignature("rollsum", "md4"),
    await makeSignature("rabinkarp", "blake2b"),
    await makeDelta(),
  ],
  mutate: async (_, random) => (random.oneIn(3) ? undefined : randomDelta(random, BASIS.length)),
  run: async (input) => {
    const apply = async (pieceBytes: number): Promise<string> => {
      const sink = memorySink();
      const pieces = inPieces(input, pieceBytes);
      const result = await applyRdiffDelta(memorySource(BASIS), pieces, sink, { limits: LIMITS });
      demandSame(toHex(sha256(sink.bytes())), toHex(result.targetSha256), "digest of the target");
      return toHex(result.targetSha256);
    };
    const told = (text: string): string => text;
    const whole = await attempt(() => apply(input.length + 1));
    const pieces = await attempt(() => apply(1 + (input.length % 37)));
    demandSame(describeOutcome(pieces, told), describeOutcome(whole, told), "in pieces");
    const inspected = await attempt(() => inspectRdiffDelta(input));
    demand("code" in whole || !("code" in inspected), "a delta that can be applied but not inspected");
    const signature = await attempt(() => readRdiffSignature(input, { limits: SIGNATURE_LIMITS }));
    if (!("code" in signature))
      await attempt(() => createRdiffDelta(signature.value, memorySource(TARGET), memorySink()));
  },
};
