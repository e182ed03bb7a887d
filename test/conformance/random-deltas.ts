/** Deltas of random pairs, made by the encoder with random settings. Case *n* is the same every time. */
import fc from "fast-check";
import { getCodec } from "../../src/codec/index.ts";
import { type CreateDeltaOptions, createDelta, DELTA_CODECS } from "../../src/encode/index.ts";
import { memorySink, memorySource, readRange, type Source } from "../../src/io/index.ts";
import { buildSignature } from "../../src/signature/index.ts";
import { file, type RawEntry } from "../image/tar-builder.ts";
import { applyEdit, editArbitrary, makeBytes } from "../support/pairs.ts";
import { flatOf } from "./cases/bases.ts";
import { codeOf } from "./read-golden.ts";

// The reader in Python makes some ten thousand literals a second.
const MAX_BASIS_BYTES = 4000;
const MAX_FILES = 5;

export interface RandomCase {
  basis: Uint8Array;
  target: Uint8Array;
  delta: Uint8Array;
  /** What it was made with. */
  says: string;
}

const bytesArbitrary = fc
  .record({
    length: fc.nat(MAX_BASIS_BYTES),
    seed: fc.nat(),
    edits: fc.array(editArbitrary, { maxLength: 5 }),
  })
  .map(({ length, seed, edits }) => {
    const basis = makeBytes(length, seed);
    return { kind: "bytes" as const, basis, target: edits.reduce(applyEdit, basis) };
  });

const entryArbitrary: fc.Arbitrary<RawEntry> = fc
  .record({
    name: fc.constantFrom("a", "b-1.0", "b-1.1", "c", "d"),
    seed: fc.nat(3),
    bytes: fc.nat(1500),
    mtimeSeconds: fc.constantFrom(0, 1, 1_700_000_000, 1_700_086_400),
  })
  .map(({ name, seed, bytes, mtimeSeconds }) => ({ ...file(name, makeBytes(bytes, seed)), mtimeSeconds }));

const treeArbitrary = fc.uniqueArray(entryArbitrary, { maxLength: MAX_FILES, selector: ({ name }) => name });

const imageArbitrary = fc
  .record({ old: treeArbitrary, wanted: treeArbitrary })
  .map((trees) => ({ kind: "image" as const, ...trees }));

/** Zstd is made where the runtime has it. */
const hasZstd = (await codeOf((async () => getCodec("zstd"))())) === undefined;

const caseArbitrary = fc.record({
  pair: fc.oneof({ weight: 2, arbitrary: bytesArbitrary }, { weight: 1, arbitrary: imageArbitrary }),
  codec: fc.constantFrom(...DELTA_CODECS.filter((codec) => codec !== "zstd" || hasZstd)),
  level: fc.integer({ min: 1, max: 9 }),
  windowBytes: fc.option(fc.integer({ min: 64, max: 9000 }), { nil: undefined }),
  segmentBytes: fc.option(fc.integer({ min: 64, max: 5000 }), { nil: undefined }),
  inPlace: fc.constantFrom(undefined, false as const, {
    blockBytes: 512,
    stepBytes: 1024,
    maxStashBytes: 4096,
  }),
  metadata: fc.dictionary(fc.string({ unit: "binary", maxLength: 5 }), fc.string({ maxLength: 5 }), {
    maxKeys: 3,
  }),
  fromSignature: fc.boolean(),
});

type Described = typeof caseArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

const wholeOf = (source: Source): Promise<Uint8Array> => readRange(source, 0, source.size);

async function makeCase({ pair, fromSignature, ...settings }: Described): Promise<RandomCase> {
  const options: CreateDeltaOptions = settings;
  const sink = memorySink();
  const says = `${pair.kind} ${JSON.stringify({ ...settings, fromSignature })}`;
  if (pair.kind === "image") {
    const [from, to] = [await flatOf(pair.old), await flatOf(pair.wanted)];
    await createDelta(from, to, sink, options);
    return { basis: await wholeOf(from.source), target: await wholeOf(to.source), delta: sink.bytes(), says };
  }
  const { basis, target } = pair;
  const from = memorySource(basis);
  await createDelta(
    fromSignature ? await buildSignature(from, { blockBytes: 32 }) : from,
    memorySource(target),
    sink,
    options,
  );
  return { basis, target, delta: sink.bytes(), says };
}

/** So many cases, from `first` on. */
export async function* randomCases(count: number, first = 0): AsyncGenerator<RandomCase> {
  for (let number = first; number < first + count; number++) {
    const [described] = fc.sample(caseArbitrary, { numRuns: 1, seed: number });
    yield makeCase(described!);
  }
}
