/** Deltas: read, applied as a stream and in place, with a basis that has tar entries to work on. */
import { applyDelta, applyDeltaInPlace } from "../../../src/apply/index.ts";
import { ByteWriter, equalBytes, toHex } from "../../../src/bytes/index.ts";
import { inspectDelta } from "../../../src/delta/index.ts";
import { type CreateDeltaOptions, createDelta } from "../../../src/encode/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { flattenImage, openFlatImage } from "../../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../../src/io/index.ts";
import { SimulatedDisk } from "../../faults/disk.ts";
import { inPieces, makeBytes } from "../../support/pairs.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { mutateDelta } from "./delta-edit.ts";
import { repairDelta } from "./repair.ts";
import { imageOf, layerOf } from "./small-images.ts";

/** Small, so that what a delta asks for shows before the machine suffers. */
const LIMITS = {
  targetBytes: 1 << 20,
  windowBytes: 1 << 20,
  segmentBytes: 1 << 18,
  decoderMemoryBytes: 1 << 23,
};

const flatBytes = async (files: Readonly<Record<string, string>>, mtimeSeconds = 1): Promise<Uint8Array> => {
  const { source } = await flattenImage(imageOf([layerOf(files, mtimeSeconds)]));
  return readRange(source, 0, source.size);
};

const text = (seed: number): string => Buffer.from(makeBytes(1500, seed)).toString("latin1");

const BASIS = await flatBytes({ "etc/motd": "hello", "usr/bin/a": text(1), "usr/bin/b": text(2) });
const TARGET = await flatBytes(
  { "etc/motd": "hello again", "usr/bin/a": text(1), "usr/bin/b": `new${text(2)}`, "usr/bin/c": text(3) },
  2,
);

async function make(options: CreateDeltaOptions, asImages = false): Promise<Uint8Array> {
  const sink = memorySink();
  const [basis, target] = [memorySource(BASIS), memorySource(TARGET)];
  if (asImages) await createDelta(await openFlatImage(basis), await openFlatImage(target), sink, options);
  else await createDelta(basis, target, sink, options);
  return sink.bytes();
}

async function applyInPlace(delta: Uint8Array): Promise<Uint8Array> {
  const disk = new SimulatedDisk();
  const folder = disk.folder("");
  await folder.makeFolder("scratch");
  const file = await folder.openFile("image", "new");
  await file.write(0, BASIS);
  disk.settle();
  try {
    await applyDeltaInPlace({ file, scratch: disk.folder("scratch") }, delta, { limits: LIMITS });
  } catch (error) {
    // Nothing that is wrong with a delta may show only when the basis is gone.
    demand(
      equalBytes(await readRange(file, 0, file.size), BASIS),
      `in place: the basis is gone after ${error}`,
    );
    throw error;
  }
  return readRange(file, 0, file.size);
}

async function applyStream(delta: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const sink = memorySink();
  const { targetSha256 } = await applyDelta(memorySource(BASIS), delta, sink, { limits: LIMITS });
  const target = sink.bytes();
  demandSame(toHex(sha256(target)), toHex(targetSha256), "digest of the target");
  return target;
}

/** The parser of deltas, and all that carries them out. */
export const deltaTarget: FuzzTarget = {
  name: "delta",
  dictionary: [
    Uint8Array.of(0x89, 0x66, 0x6c, 0x61, 0x74, 0x64, 0x0d, 0x0a),
    new Uint8Array(8),
    varintOf(2 ** 53 - 1),
  ],
  seeds: async () => [
    await make({ codec: "none" }),
    await make({ codec: "none", windowBytes: 1 << 12, segmentBytes: 1 << 10 }, true),
    await make({ codec: "none", metadata: { "basis.reference": "a:1" } }, true),
    await make({ codec: "none", inPlace: { stepBytes: 4096, blockBytes: 512 } }, true),
    await make({ codec: "brotli", inPlace: { stepBytes: 1024, blockBytes: 512 } }),
    await make({ codec: "deflate" }, true),
    await make({ codec: "fast" }, true),
    await make({ codec: "lz" }, true),
    await make({ codec: "mix" }, true),
  ],
  mutate: (input, random) => mutateDelta(input, random, BASIS),
  repair: repairDelta,
  run: async (delta) => {
    const whole = await attempt(() => applyStream(delta));
    const told = (target: Uint8Array): string => toHex(sha256(target));
    const expected = describeOutcome(whole, told);
    const pieceBytes = 1 + ((delta.at(-1) ?? 0) % 61);
    const pieces = await attempt(() => applyStream(inPieces(delta, pieceBytes)));
    demandSame(describeOutcome(pieces, told), expected, `in pieces of ${pieceBytes}`);
    const inspected = await attempt(() => inspectDelta(delta, { limits: LIMITS }));
    if ("code" in whole) {
      await attempt(() => applyInPlace(delta));
      return;
    }
    demand(!("code" in inspected), "a delta that can be applied but not inspected");
    if (inspected.value.inPlace === undefined) return;
    const inPlace = await attempt(() => applyInPlace(delta));
    if (!("code" in inPlace)) demandSame(told(inPlace.value), expected, "in place");
  },
};

function varintOf(value: number): Uint8Array {
  const out = new ByteWriter();
  out.varint(value);
  return out.view();
}
