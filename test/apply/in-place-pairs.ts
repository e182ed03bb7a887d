/** Pairs of basis and target whose bytes move around each other in every way. */
import { concatBytes } from "../../src/bytes/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { seededRandom } from "../faults/random.ts";

export interface InPlacePair {
  name: string;
  basis: Uint8Array;
  target: Uint8Array;
}

function noise(length: number, random: () => number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.floor(random() * 256);
  return bytes;
}

/** How the parts of a basis become those of a target. */
const CHANGES: Readonly<Record<string, (parts: Uint8Array[], random: () => number) => Uint8Array[]>> = {
  same: (parts) => parts,
  moves: (parts, random) =>
    parts
      .map((part) => [random(), part] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, part]) => part),
  swap: (parts) => [...parts.slice(parts.length >> 1), ...parts.slice(0, parts.length >> 1)],
  reverse: (parts) => [...parts].reverse(),
  growth: (parts, random) => [noise(700, random), ...parts, noise(2500, random)],
  shrinkage: (parts) => parts.filter((_, i) => i % 3 !== 0),
  "shift up": (parts, random) => [noise(1 + Math.floor(random() * 600), random), ...parts],
  "shift down": (parts, random) => [parts[0]!.subarray(1 + Math.floor(random() * 60)), ...parts.slice(1)],
  duplicates: (parts) => parts.flatMap((part, i) => (i % 2 === 0 ? [part, part] : [part])),
  rotation: (parts) => [...parts.slice(1), parts[0]!],
  edits: (parts, random) =>
    parts.map((part) => {
      const edited = part.slice();
      for (let i = 0; i < 3; i++) edited[Math.floor(random() * edited.length)]! ^= 1;
      return edited;
    }),
  unrelated: (parts, random) => parts.map((part) => noise(part.length, random)),
  "to nothing": () => [],
  "from half": (parts, random) => [
    ...parts.slice(0, 2),
    noise(300, random),
    ...parts.slice(1),
    ...parts.slice(0, 1),
  ],
};

/** `count` pairs, of all kinds by turns; a seed gives the same ones again. */
export function* makePairs(count: number, seed: number, partBytes: number): Generator<InPlacePair> {
  const kinds = Object.keys(CHANGES);
  for (let i = 0; i < count; i++) {
    const random = seededRandom(seed + i);
    const kind = kinds[i % kinds.length]!;
    const parts = Array.from({ length: 3 + Math.floor(random() * 4) }, () =>
      noise(100 + Math.floor(random() * partBytes), random),
    );
    const target = concatBytes(CHANGES[kind]!(parts, random));
    yield { name: `${kind}, seed ${seed + i}`, basis: concatBytes(parts), target };
  }
}

/** A delta in small steps, so that a few kilobytes take many. */
export async function makeDelta(
  { basis, target }: InPlacePair,
  inPlace: { maxStashBytes?: number; stepBytes?: number; blockBytes?: number } = {},
): Promise<Uint8Array> {
  const sink = memorySink();
  await createDelta(memorySource(basis), memorySource(target), sink, {
    codec: "none",
    inPlace: { stepBytes: 1024, blockBytes: 512, ...inPlace },
  });
  return sink.bytes();
}
