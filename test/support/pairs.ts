import fc from "fast-check";
import { concatBytes } from "../../src/bytes/index.ts";

/** Bytes that repeat themselves at several scales, as files do, from a small state. */
export function makeBytes(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const back = (state >>> 8) % 3000;
    out[i] = (state & 7) !== 0 && back < i && back > 0 ? out[i - back]! : state & 0xff;
  }
  return out;
}

/** One change on the way from a basis to a target. */
export type Edit =
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "remove"; at: number; length: number }
  | { kind: "replace"; at: number; bytes: Uint8Array }
  | { kind: "move"; at: number; length: number; to: number }
  | { kind: "run"; at: number; length: number; byte: number }
  | { kind: "sprinkle"; at: number; length: number; step: number };

const position = fc.nat(1 << 20);

export const editArbitrary: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("insert" as const), at: position, bytes: fc.uint8Array({ maxLength: 200 }) }),
  fc.record({ kind: fc.constant("remove" as const), at: position, length: fc.nat(3000) }),
  fc.record({ kind: fc.constant("replace" as const), at: position, bytes: fc.uint8Array({ maxLength: 50 }) }),
  fc.record({ kind: fc.constant("move" as const), at: position, length: fc.nat(5000), to: position }),
  fc.record({ kind: fc.constant("run" as const), at: position, length: fc.nat(40_000), byte: fc.nat(255) }),
  fc.record({
    kind: fc.constant("sprinkle" as const),
    at: position,
    length: fc.nat(4000),
    step: fc.integer({ min: 1, max: 60 }),
  }),
);

/** The bytes after an edit; positions wrap around. */
export function applyEdit(bytes: Uint8Array, edit: Edit): Uint8Array {
  const at = edit.at % (bytes.length + 1);
  const before = bytes.subarray(0, at);
  switch (edit.kind) {
    case "insert":
      return concatBytes([before, edit.bytes, bytes.subarray(at)]);
    case "remove":
      return concatBytes([before, bytes.subarray(at + edit.length)]);
    case "replace":
      return concatBytes([before, edit.bytes, bytes.subarray(at + edit.bytes.length)]);
    case "move": {
      const rest = concatBytes([before, bytes.subarray(at + edit.length)]);
      const to = edit.to % (rest.length + 1);
      return concatBytes([rest.subarray(0, to), bytes.subarray(at, at + edit.length), rest.subarray(to)]);
    }
    case "run":
      return concatBytes([before, new Uint8Array(edit.length).fill(edit.byte), bytes.subarray(at)]);
    case "sprinkle": {
      const out = bytes.slice();
      for (let i = at; i < Math.min(out.length, at + edit.length); i += edit.step) out[i]! += 3;
      return out;
    }
  }
}

/** A basis and a target made from it by some edits; sometimes one of them is empty, or they are unrelated. */
export const pairArbitrary: fc.Arbitrary<{ basis: Uint8Array; target: Uint8Array }> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ length: fc.nat(60_000), seed: fc.nat(), edits: fc.array(editArbitrary, { maxLength: 8 }) })
      .map(({ length, seed, edits }) => {
        const basis = makeBytes(length, seed);
        return { basis, target: edits.reduce(applyEdit, basis) };
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(5000), fc.nat(5000), fc.nat(), fc.nat())
      .map(([a, b, seedA, seedB]) => ({ basis: makeBytes(a, seedA), target: makeBytes(b, seedB) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 3 }))
      .map(([basis, target]) => ({ basis, target })),
  },
);

/** Bytes as a stream of pieces of `pieceBytes`. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}
