/**
 * The main job with what every runtime has: `Blob`s to read, a `ReadableStream` as delta, a `WritableStream` for the
 * result. It is bundled and run in Node, in workers and in browsers; the same report must come out.
 */
import { applyDelta } from "../../src/apply/index.ts";
import { concatBytes, toHex } from "../../src/bytes/index.ts";
import { CODEC_NAMES, type CodecName, getCodec } from "../../src/codec/index.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { createDelta, type DeltaBasis, type DeltaCodec } from "../../src/encode/index.ts";
import { isFlatdeltaError } from "../../src/errors.ts";
import { createSha256, sha256 } from "../../src/hash/index.ts";
import { type FlatImage, flattenImage, readDockerArchive } from "../../src/image/index.ts";
import { blobSource, memorySink, type Source, scanSource, writableStreamSink } from "../../src/io/index.ts";
import { buildSignature, encodeSignature, readSignature } from "../../src/signature/index.ts";

/** What the program works on. */
export interface ProgramInputs {
  /** Docker-archives with compressed layers. */
  oldArchive: Blob;
  newArchive: Blob;
  /** The delta between their flat images, coded with brotli. */
  brotliDelta: Blob;
}

/** A delta that was made and applied. Digests are hexadecimal. */
export interface RoundTrip {
  deltaSha256: string;
  /** What the delta says that applying it leads to. */
  promisedSha256: string;
  /** What applying it led to. */
  resultSha256: string;
}

/** What came out. All but the codecs is the same in every runtime. */
export interface ProgramReport {
  basisSha256: string;
  targetSha256: string;
  signatureSha256: string;
  fromSignature: RoundTrip;
  fromBasis: RoundTrip;
  /** Likewise, with context mixing. */
  fromBasisMixed: RoundTrip;
  /** Code of the error when the delta is applied to another basis. */
  wrongBasis: string;
  /** The codecs of this runtime, and what making a delta with brotli, and applying one, comes to: a digest or a code. */
  codecs: Exclude<CodecName, "ops">[];
  makeBrotli: string;
  applyBrotli: string;
}

async function flattenArchive(archive: Blob): Promise<FlatImage> {
  return flattenImage(await readDockerArchive(blobSource(archive)));
}

async function digestSource(source: Source): Promise<string> {
  const digest = createSha256();
  for await (const piece of scanSource(source)) digest.update(piece);
  return toHex(digest.digest());
}

async function makeDelta(basis: DeltaBasis, target: FlatImage, codec: DeltaCodec): Promise<Uint8Array> {
  const delta = memorySink();
  await createDelta(basis, target, delta, { codec });
  return delta.bytes();
}

/** Apply a delta from one web stream into another, and close the latter. */
async function applyThroughStreams(basis: Source, delta: Blob): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const result = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
  await applyDelta(basis, delta.stream(), writableStreamSink(result));
  await result.close();
  return concatBytes(parts);
}

async function roundTrip(
  basis: Source,
  known: DeltaBasis,
  target: FlatImage,
  codec: DeltaCodec,
): Promise<RoundTrip> {
  const delta = await makeDelta(known, target, codec);
  const result = await applyThroughStreams(basis, new Blob([delta.slice()]));
  const { targetSha256 } = await inspectDelta(delta);
  return {
    deltaSha256: toHex(sha256(delta)),
    promisedSha256: targetSha256,
    resultSha256: toHex(sha256(result)),
  };
}

/** What `run` gives, or the code of the error that it rejects with. */
async function outcome(run: () => Promise<string>): Promise<string> {
  try {
    return await run();
  } catch (error) {
    if (isFlatdeltaError(error)) return error.code;
    throw error;
  }
}

function hasCodec(name: CodecName): boolean {
  try {
    return getCodec(name).isAvailable();
  } catch {
    return false;
  }
}

/** Flatten both images, describe the old one, make deltas, apply them. */
export async function runMainJob({
  oldArchive,
  newArchive,
  brotliDelta,
}: ProgramInputs): Promise<ProgramReport> {
  const [basis, target] = [await flattenArchive(oldArchive), await flattenArchive(newArchive)];
  const signature = await encodeSignature(await buildSignature(basis.source));
  const described = await readSignature(new Blob([signature.slice()]).stream());
  return {
    basisSha256: await digestSource(basis.source),
    targetSha256: await digestSource(target.source),
    signatureSha256: toHex(sha256(signature)),
    fromSignature: await roundTrip(basis.source, described, target, "deflate"),
    fromBasis: await roundTrip(basis.source, basis, target, "deflate"),
    fromBasisMixed: await roundTrip(basis.source, basis, target, "mix"),
    wrongBasis: await outcome(async () => {
      const delta = await makeDelta(basis, target, "none");
      return toHex(sha256(await applyThroughStreams(target.source, new Blob([delta.slice()]))));
    }),
    codecs: CODEC_NAMES.filter(hasCodec),
    makeBrotli: await outcome(async () => toHex(sha256(await makeDelta(basis, target, "brotli")))),
    applyBrotli: await outcome(async () =>
      toHex(sha256(await applyThroughStreams(basis.source, brotliDelta))),
    ),
  };
}
