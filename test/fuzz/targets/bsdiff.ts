/** Bsdiff files, their bzip2 streams included. */
import { concatBytes, encodeUtf8, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { applyBsdiff, checkBsdiff, inspectBsdiff } from "../../../src/interop/index.ts";
import { memorySink, memorySource } from "../../../src/io/index.ts";
import { compressBzip2 } from "../../support/bzip2.ts";
import { makeBytes } from "../../support/pairs.ts";
import { Random } from "../random.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";

const LIMITS = { targetBytes: 1 << 18, entryCount: 1 << 10 };
const BASIS = makeBytes(3000, 21);

/** An integer as bsdiff writes it: eight bytes, the sign in the highest bit. */
function integer(value: number): Uint8Array {
  const out = new Uint8Array(8);
  const magnitude = BigInt(Math.abs(value));
  new DataView(out.buffer).setBigUint64(0, magnitude | (value < 0 ? 1n << 63n : 0n), true);
  return out;
}

/** A file of a few entries; now and then with a number that is not right. */
function randomFile(random: Random): Uint8Array {
  const odd = (value: number): number => (random.oneIn(30) ? random.edge(value) : value);
  const [control, diff, extra]: [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []];
  let targetBytes = 0;
  for (let left = random.below(6); left > 0; left--) {
    const [sums, literals] = [random.bytes(random.length(400)), random.bytes(random.length(100))];
    control.push(...[odd(sums.length), odd(literals.length), odd(random.below(3000) - 1500)].map(integer));
    diff.push(sums);
    extra.push(literals);
    targetBytes += sums.length + literals.length;
  }
  const streams = random.oneIn(4)
    ? [
        concatBytes(
          control.flatMap((part, i) =>
            i % 3 < 2 ? [part] : [part, diff[(i - 2) / 3]!, extra[(i - 2) / 3]!],
          ),
        ),
      ]
    : [control, diff, extra].map(concatBytes);
  const [first, second, third] = streams.map((bytes) => compressBzip2(bytes));
  if (second === undefined)
    return concatBytes([encodeUtf8("ENDSLEY/BSDIFF43"), integer(odd(targetBytes)), first!]);
  const sizes = [first!.length, second.length, targetBytes].map((size) => integer(odd(size)));
  return concatBytes([encodeUtf8("BSDIFF40"), ...sizes, first!, second, third!]);
}

/** The parser of bsdiff files. */
export const bsdiffTarget: FuzzTarget = {
  name: "bsdiff",
  dictionary: [
    encodeUtf8("BSDIFF40"),
    encodeUtf8("ENDSLEY/BSDIFF43"),
    encodeUtf8("BZh91AY&SY"),
    encodeUtf8("BZh9\x17rE8P"),
  ],
  seeds: async () => Array.from({ length: 6 }, (_, seed) => randomFile(new Random(seed))),
  mutate: async (_, random) => (random.oneIn(2) ? randomFile(random) : undefined),
  run: async (delta) => {
    const apply = async (): Promise<string> => {
      const sink = memorySink();
      const result = await applyBsdiff(memorySource(BASIS), delta, sink, { limits: LIMITS });
      const target = sink.bytes();
      demand(target.length === result.targetBytes, "another size than it says");
      demandSame(toHex(sha256(target)), toHex(result.targetSha256), "digest of the target");
      return toHex(result.targetSha256);
    };
    const told = (text: string): string => text;
    const [once, again] = [await attempt(apply), await attempt(apply)];
    demandSame(describeOutcome(again, told), describeOutcome(once, told), "a second time");
    const checked = await attempt(() => checkBsdiff(delta, { limits: LIMITS }));
    demand("code" in once || !("code" in checked), "a file that can be applied but is not sound");
    const inspected = await attempt(() => inspectBsdiff(delta));
    demand("code" in once || !("code" in inspected), "a file that can be applied but not inspected");
  },
};
