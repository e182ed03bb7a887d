/** Deltas part by part, sound ones and such as no encoder makes. */
import { ByteWriter, concatBytes, EMPTY_BYTES } from "../../../src/bytes/index.ts";
import { getCodecById } from "../../../src/codec/index.ts";
import { DELTA_MAGIC, DELTA_VERSION, shortenChecksum } from "../../../src/delta/index.ts";
import { createSha256, loadHash64, sha256 } from "../../../src/hash/index.ts";

const { hash } = await loadHash64();

/** The bytes of fields one after another. */
export function fields(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.view();
}

export const varint = (value: number): Uint8Array => fields((out) => out.varint(value));
export const signedVarint = (value: number): Uint8Array => fields((out) => out.signedVarint(value));

const first = (length: number, kind: number): Uint8Array => varint(length * 8 + kind);

/** Ops as bytes of a control segment, as the format's document has them. Distances count from the end of the op before. */
export const op = {
  copy: (length: number, distance = 0) => concatBytes([first(length, 0), signedVarint(distance)]),
  diff: (length: number, distance = 0) => concatBytes([first(length, 1), signedVarint(distance)]),
  data: (length: number) => first(length, 2),
  run: (length: number, byte: number) => concatBytes([first(length, 3), Uint8Array.of(byte)]),
  touch: (length: number, distance: number, time: number) =>
    concatBytes([first(length, 4), signedVarint(distance), signedVarint(time)]),
  /** `changes` are the numbers that `flags` name, in their order. */
  header: (flags: number, distance: number, ...changes: Uint8Array[]) =>
    concatBytes([first(flags + 1, 5), signedVarint(distance), ...changes]),
};

/** Of HEADER: what a splice keeps, removes and inserts. */
export const splice = (kept: number, removed: number, inserted: number): Uint8Array =>
  concatBytes([varint(kept), varint(removed), varint(inserted)]);

/** How a stream is coded: the codec's number, and the power of two that its decoder keeps. */
export type StreamParts = readonly [stream: number, codecId: number, memoryPower?: number];

/** A segment as it is written. */
export interface SegmentParts {
  /** What is stated that it decodes to. */
  rawBytes: number;
  coded: Uint8Array;
}

/** One window. What is not given follows from the rest. */
export interface WindowParts {
  /** What it makes. */
  target: Uint8Array;
  control?: Uint8Array;
  data?: Uint8Array;
  residual?: Uint8Array;
  /** The basis bytes of its DIFF ops, one after another: for codec mix. */
  diffBasis?: Uint8Array;
  /** Where these bytes stand: of each DIFF op its length, basis offset and the bytes that all ops before it make. */
  spans?: readonly number[];
  kind?: number;
  /** 0 stands for all that is left. */
  statedBytes?: number;
  checksum?: number;
  /** Changes the coded segments, and the raw sizes that are stated for them. */
  edit?: (segments: SegmentParts[]) => void;
}

/** A delta. What is not given follows from the rest. */
export interface DeltaParts {
  basis: Uint8Array;
  windows: readonly WindowParts[];
  streams?: readonly StreamParts[];
  extensions?: readonly (readonly [tag: number, value: Uint8Array])[];
  form?: number;
  basisBytes?: number;
  basisSha256?: Uint8Array;
  basisXxh64?: bigint;
  targetBytes?: number;
  targetSha256?: Uint8Array;
  windowPower?: number;
  segmentPower?: number;
  version?: number;
  /** Changes the header's bytes, before its length and checksum are taken. */
  editHeader?: (body: Uint8Array) => Uint8Array;
  windowCount?: number;
  /** Takes the place of the whole end record. */
  end?: Uint8Array;
}

/** Streams from 0 on, each with the codec of that number. */
export const streamsOf = (...codecIds: number[]): StreamParts[] =>
  codecIds.map((codecId, stream) => [stream, codecId]);

/** All three streams with codec none. */
export const PLAIN_STREAMS: readonly StreamParts[] = streamsOf(0, 0, 0);

/** Decoder memory that suits each codec, by its number. */
const MEMORY_POWERS = [0, 16, 20, 20, 24, 23, 24, 0, 22];

/** Size and digest of what windows make together. */
export function measureTarget(windows: readonly WindowParts[]): { bytes: number; sha256: Uint8Array } {
  const digest = createSha256();
  let bytes = 0;
  for (const { target } of windows) {
    digest.update(target);
    bytes += target.length;
  }
  return { bytes, sha256: digest.digest() };
}

function headerBody(parts: DeltaParts): Uint8Array {
  const { basis, streams = PLAIN_STREAMS, extensions = [] } = parts;
  const target = measureTarget(parts.windows);
  const body = fields((out) => {
    out.u8(parts.form ?? 0);
    out.varint(parts.basisBytes ?? basis.length);
    out.bytes(parts.basisSha256 ?? sha256(basis));
    out.u64(parts.basisXxh64 ?? hash(basis));
    out.varint(parts.targetBytes ?? target.bytes);
    out.bytes(parts.targetSha256 ?? target.sha256);
    out.u8(parts.windowPower ?? 20);
    out.u8(parts.segmentPower ?? 16);
    out.u8(streams.length);
    for (const [stream, codecId, power] of streams) {
      out.u8(stream * 64 + codecId);
      out.u8(power ?? MEMORY_POWERS[codecId] ?? 0);
    }
    for (const [tag, value] of extensions) {
      out.varint(tag);
      out.varint(value.length);
      out.bytes(value);
    }
  });
  return parts.editHeader?.(body) ?? body;
}

/** Codes windows with the streams' own encoders. */
async function codeWindows({ streams = PLAIN_STREAMS, windows }: DeltaParts) {
  const encoders = streams.map(([stream, codecId]) => ({
    stream,
    encoder: getCodecById(codecId).createEncoder({ effort: 9, windowBits: 16 }),
  }));
  const made: SegmentParts[][] = [];
  for (const { control, data, residual, diffBasis, spans, edit } of windows) {
    const segments: SegmentParts[] = [];
    for (const [stream, raw = EMPTY_BYTES] of [control, data, residual].entries()) {
      const coder = encoders.find((each) => each.stream === stream)?.encoder;
      const coded =
        raw.length > 0 ? await coder?.encode(raw, diffBasis, spans && Uint32Array.from(spans)) : undefined;
      segments.push({ rawBytes: raw.length, coded: coded ?? raw });
    }
    edit?.(segments);
    made.push(segments);
  }
  for (const { encoder } of encoders) encoder.close();
  return made;
}

/** The bytes of a delta. */
export async function buildDelta(parts: DeltaParts): Promise<Uint8Array> {
  const checksum = (bytes: Uint8Array): number => shortenChecksum(hash(bytes));
  const coded = await codeWindows(parts);
  return fields((out) => {
    const body = headerBody(parts);
    out.bytes(DELTA_MAGIC);
    out.u8(parts.version ?? DELTA_VERSION);
    out.varint(body.length);
    out.bytes(body);
    out.u32(checksum(out.view()));
    for (const [i, window] of parts.windows.entries()) {
      out.u8(window.kind ?? 1);
      out.varint(window.statedBytes ?? window.target.length);
      for (const segment of coded[i]!) {
        out.varint(segment.rawBytes);
        if (segment.rawBytes > 0) out.varint(segment.coded.length);
      }
      out.u32(window.checksum ?? checksum(window.target));
      for (const segment of coded[i]!) out.bytes(segment.coded);
    }
    if (parts.end !== undefined) return out.bytes(parts.end);
    out.u8(0);
    out.varint(parts.windowCount ?? parts.windows.length);
    out.u32(checksum(out.view()));
  });
}
