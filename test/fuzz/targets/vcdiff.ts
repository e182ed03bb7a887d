/** VCDIFF files: inspected, and applied to a basis. */
import { ByteWriter, concatBytes, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { applyVcdiff, checkVcdiff, createVcdiff, inspectVcdiff } from "../../../src/interop/index.ts";
import { adler32 } from "../../../src/interop/vcdiff/adler32.ts";
import { putInteger } from "../../../src/interop/vcdiff/integer.ts";
import { memorySink, memorySource } from "../../../src/io/index.ts";
import { applyEdit, inPieces, makeBytes } from "../../support/pairs.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";

const LIMITS = {
  targetBytes: 1 << 20,
  windowBytes: 1 << 18,
  windowDeltaBytes: 1 << 18,
  applicationHeaderBytes: 1 << 10,
};
const BASIS = makeBytes(5000, 11);

const EDITS = [
  { kind: "insert" as const, at: 700, bytes: makeBytes(90, 12) },
  { kind: "move" as const, at: 100, length: 900, to: 3000 },
  { kind: "run" as const, at: 2500, length: 700, byte: 9 },
];
const TARGET = EDITS.reduce(applyEdit, BASIS);

async function make(windowBytes: number, applicationHeader?: Uint8Array): Promise<Uint8Array> {
  const sink = memorySink();
  const [basis, target] = [memorySource(BASIS), memorySource(TARGET)];
  await createVcdiff(basis, target, sink, { windowBytes, applicationHeader });
  return sink.bytes();
}

const numbers = (...values: number[]): Uint8Array => {
  const out = new ByteWriter();
  for (const value of values) putInteger(out, Math.max(0, value));
  return out.view().slice();
};

/** A window of instructions whose sizes stand beside them; now and then with a number that is not right. */
function randomWindow(random: Random): Uint8Array {
  const odd = (value: number): number => (random.oneIn(40) ? Math.abs(random.edge(value)) : value);
  const sourceBytes = random.oneIn(3) ? 0 : 1 + random.below(BASIS.length - 1);
  const sourceAt = random.below(BASIS.length - sourceBytes);
  const [data, instructions, addresses]: [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []];
  let targetBytes = 0;
  for (let left = random.below(8); left > 0; left--) {
    const size = 1 + random.length(300);
    const kind = random.below(3);
    if (kind === 0) {
      instructions.push(Uint8Array.of(0), numbers(odd(size)));
      data.push(random.bytes(1));
    } else if (kind === 1) {
      instructions.push(Uint8Array.of(1), numbers(odd(size)));
      data.push(random.bytes(size));
    } else {
      const here = sourceBytes + targetBytes;
      if (here === 0) continue;
      const mode = random.below(9);
      instructions.push(Uint8Array.of(19 + 16 * mode), numbers(odd(size)));
      addresses.push(mode < 6 ? numbers(odd(random.below(here))) : random.bytes(1));
    }
    targetBytes += size;
  }
  if (random.oneIn(4)) instructions.push(random.bytes(1 + random.below(4)));
  const sections = [data, instructions, addresses].map(concatBytes);
  const checksum = random.oneIn(2) ? new Uint8Array(0) : checksumBytes(random);
  const body = concatBytes([
    numbers(odd(targetBytes)),
    Uint8Array.of(random.oneIn(40) ? random.below(256) : 0),
    numbers(...sections.map(({ length }) => odd(length))),
    checksum,
    ...sections,
  ]);
  const fromTarget = random.oneIn(10);
  const flags = (sourceBytes > 0 ? (fromTarget ? 2 : 1) : 0) + (checksum.length > 0 ? 4 : 0);
  const segment = sourceBytes > 0 ? numbers(odd(sourceBytes), odd(sourceAt)) : new Uint8Array(0);
  return concatBytes([
    Uint8Array.of(random.oneIn(40) ? random.below(256) : flags),
    segment,
    numbers(odd(body.length)),
    body,
  ]);
}

/** Right for a window of nothing only: other windows are to be refused for it. */
function checksumBytes(random: Random): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, adler32(random.bytes(random.below(2))));
  return out;
}

/** The parser of VCDIFF files. */
export const vcdiffTarget: FuzzTarget = {
  name: "vcdiff",
  dictionary: [Uint8Array.of(0xd6, 0xc3, 0xc4, 0), Uint8Array.of(0x8f, 0xff, 0xff, 0xff, 0x7f)],
  seeds: async () => [
    await make(1 << 10),
    await make(1 << 23),
    await make(1 << 11, new TextEncoder().encode("new//old/")),
  ],
  mutate: async (input, random) =>
    concatBytes([
      random.oneIn(3) ? input : Uint8Array.of(0xd6, 0xc3, 0xc4, 0, 0),
      ...Array.from({ length: 1 + random.below(3) }, () => randomWindow(random)),
    ]),
  run: async (delta) => {
    const apply = async (pieceBytes: number): Promise<string> => {
      const sink = memorySink();
      const basis = memorySource(BASIS);
      const result = await applyVcdiff(basis, inPieces(delta, pieceBytes), sink, { limits: LIMITS });
      const target = sink.bytes();
      demand(target.length === result.targetBytes, "another size than it says");
      demandSame(toHex(sha256(target)), toHex(result.targetSha256), "digest of the target");
      return toHex(result.targetSha256);
    };
    const told = (text: string): string => text;
    const whole = await attempt(() => apply(delta.length + 1));
    const pieces = await attempt(() => apply(1 + (delta.length % 37)));
    demandSame(describeOutcome(pieces, told), describeOutcome(whole, told), "in pieces");
    const inspected = await attempt(() => inspectVcdiff(delta, { limits: LIMITS }));
    demand("code" in whole || !("code" in inspected), "a file that can be applied but not inspected");
    const checked = await attempt(() => checkVcdiff(delta, { limits: LIMITS }));
    demand("code" in whole || !("code" in checked), "a file that can be applied but is not sound");
  },
};
