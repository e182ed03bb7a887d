/** Changes to bytes that know nothing of what they mean. */
import { concatBytes } from "../../src/bytes/index.ts";
import type { Random } from "./random.ts";

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

type Mutator = (input: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

function replaceRange(input: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  return concatBytes([input.subarray(0, from), by, input.subarray(to)]);
}

function changed(input: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = input.slice();
  if (bytes.length > 0) change(bytes);
  return bytes;
}

/** A number in one of the ways in which formats store lengths. */
function encodeNumber(value: number, random: Random): Uint8Array {
  const whole = BigInt(Math.trunc(value));
  const width = random.pick([1, 2, 4, 8]);
  const fixed = Array.from({ length: width }, (_, i) => Number((whole >> BigInt(8 * i)) & 0xffn));
  switch (random.below(4)) {
    case 0:
      return Uint8Array.from(fixed);
    case 1:
      return Uint8Array.from(fixed.reverse());
    case 2:
      return new TextEncoder().encode(String(value));
    default: {
      const groups: number[] = [];
      let rest = whole < 0n ? -whole : whole;
      do {
        groups.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
        rest >>= 7n;
      } while (rest > 0n);
      return Uint8Array.from(groups);
    }
  }
}

const MUTATORS: readonly Mutator[] = [
  (input, random) =>
    changed(input, (bytes) => {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    }),
  (input, random) =>
    changed(input, (bytes) => {
      bytes[random.below(bytes.length)] = random.oneIn(2) ? random.pick(INTERESTING) : random.below(256);
    }),
  (input, random) =>
    changed(input, (bytes) => {
      bytes[random.below(bytes.length)]! += random.below(17) - 8;
    }),
  (input, random) => {
    const at = random.below(input.length + 1);
    return replaceRange(input, at, at + random.length(64), new Uint8Array(0));
  },
  (input, random) => {
    const at = random.below(input.length + 1);
    return replaceRange(input, at, at, random.bytes(random.length(16)));
  },
  (input, random) => {
    const [from, at] = [random.below(input.length + 1), random.below(input.length + 1)];
    return replaceRange(input, at, at, input.subarray(from, from + random.length(600)));
  },
  (input, random) => {
    const [from, at] = [random.below(input.length + 1), random.below(input.length + 1)];
    const piece = input.slice(from, from + random.length(600));
    return replaceRange(input, at, Math.min(at + piece.length, input.length), piece);
  },
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  (input, random, others) => {
    const other = random.pick(others);
    const at = random.below(input.length + 1);
    return concatBytes([input.subarray(0, at), other.subarray(random.below(other.length + 1))]);
  },
  (input, random) => {
    const at = random.below(input.length + 1);
    const number = encodeNumber(random.edge(input.length), random);
    const end = random.oneIn(2) ? at : Math.min(at + number.length, input.length);
    return replaceRange(input, at, end, number);
  },
];

/** Change an input in one to some places. `others` are what it may take parts from. */
export function mutateBytes(
  input: Uint8Array,
  random: Random,
  others: readonly Uint8Array[],
  dictionary: readonly Uint8Array[],
): Uint8Array {
  let bytes = input;
  for (let left = 1 + random.length(4); left > 0; left--) {
    if (dictionary.length > 0 && random.oneIn(5)) {
      const at = random.below(bytes.length + 1);
      const word = random.pick(dictionary);
      bytes = replaceRange(bytes, at, random.oneIn(2) ? at : at + word.length, word);
    } else bytes = random.pick(MUTATORS)(bytes, random, others);
  }
  return bytes;
}
