import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8, equalBytes } from "../bytes/index.ts";
import { ErrorCode, FormatError, UnsupportedError } from "../errors.ts";
import { loadHash64 } from "../hash/index.ts";
import type { SourceRange, StreamReader } from "../io/index.ts";
import { shortenChecksum } from "./checksum.ts";
import { decodeEnvelope, type EnvelopeHeader, encodeEnvelope } from "./envelope.ts";
import {
  CHECKSUM_BYTES,
  CODEC_LIMIT,
  DELTA_MAGIC,
  DELTA_VERSION,
  DIGEST_BYTES,
  ExtensionTag,
  MAX_EXPONENT,
  MAX_HEADER_BYTES,
  STREAM_COUNT,
  StreamId,
  TargetForm,
} from "./format.ts";
import { decodeInPlace, encodeInPlace, type InPlaceHeader } from "./in-place.ts";
import { checkDeltaLimit, type DeltaLimits } from "./limits.ts";
import { decodePrimer, encodePrimer } from "./primer.ts";
import { decodeTree, encodeTree, type TreeHeader } from "./tree.ts";

/** How one stream is coded. */
export interface StreamHeader {
  stream: StreamId;
  /** Number of the codec; see `flatdelta/codec`. */
  codecId: number;
  /** What its decoder keeps in memory at most. Written as the next power of two. */
  decoderMemoryBytes: number;
}

/** What a delta says before its first op: enough to refuse it, or to know what applying it takes. */
export interface DeltaHeader {
  targetForm: TargetForm;
  basisBytes: number;
  basisSha256: Uint8Array;
  /** XXH64 (seed 0) of the basis: tells a wrong one in a fraction of the time that the SHA-256 takes. */
  basisXxh64: bigint;
  targetBytes: number;
  targetSha256: Uint8Array;
  /** No target window makes more bytes than this. Written as the next power of two, as is `segmentBytes`. */
  windowBytes: number;
  /** No segment decodes to more bytes than this. */
  segmentBytes: number;
  /** One for each stream that the delta uses, in the order of their numbers. */
  streams: readonly StreamHeader[];
  /** Set where the head of a flat image is computed instead of made by ops. */
  envelope?: EnvelopeHeader | undefined;
  /** What of the basis the data stream's codec takes, in this order, as if it had been decoded before the first segment. */
  primer?: readonly SourceRange[] | undefined;
  /** What applying in place takes. Without it a delta can only be applied as a stream. */
  inPlace?: InPlaceHeader | undefined;
  /** What updating an unpacked root file system takes. Absent where it is not known. */
  tree?: TreeHeader | undefined;
  /** Free text by key ("basis.reference": "app:1"), for people and policy; never needed to apply. */
  metadata: Readonly<Record<string, string>>;
}

function encodeMetadata(metadata: Readonly<Record<string, string>>): Uint8Array {
  const out = new ByteWriter();
  for (const key of Object.keys(metadata).sort()) {
    for (const text of [key, metadata[key]!]) {
      const bytes = encodeUtf8(text);
      if (decodeUtf8(bytes) !== text)
        throw new TypeError(`metadata: expected text, got ${JSON.stringify(text)}`);
      out.varint(bytes.length);
      out.bytes(bytes);
    }
  }
  return out.view();
}

function decodeMetadata(bytes: Uint8Array, what: string): Record<string, string> {
  const reader = new ByteReader(bytes, { what, code: ErrorCode.CORRUPT_HEADER });
  const entries: [string, string][] = [];
  while (reader.remaining > 0) {
    const key = decodeUtf8(reader.bytes(reader.varint()));
    if (entries.length > 0 && key <= entries.at(-1)![0]) throw reader.corrupt("metadata keys do not rise");
    entries.push([key, decodeUtf8(reader.bytes(reader.varint()))]);
  }
  return Object.fromEntries(entries);
}

/** The smallest n for which 2^n is no less. 0 gives 0 too: one byte of memory is as good as none. */
function exponentOf(value: number): number {
  let exponent = 0;
  while (2 ** exponent < value) exponent++;
  return exponent;
}

function decodePower(reader: ByteReader): number {
  const exponent = reader.u8();
  if (exponent > MAX_EXPONENT)
    throw reader.corrupt(`a bound of 2^${exponent}; at most 2^${MAX_EXPONENT} is possible`);
  return 2 ** exponent;
}

/** The bytes of magic, version, header and header checksum. */
export async function encodeDeltaHeader(header: DeltaHeader): Promise<Uint8Array> {
  const body = new ByteWriter();
  body.u8(header.targetForm);
  body.varint(header.basisBytes);
  body.bytes(header.basisSha256);
  body.u64(header.basisXxh64);
  body.varint(header.targetBytes);
  body.bytes(header.targetSha256);
  body.u8(exponentOf(header.windowBytes));
  body.u8(exponentOf(header.segmentBytes));
  body.u8(header.streams.length);
  for (const { stream, codecId, decoderMemoryBytes } of header.streams) {
    body.u8(stream * CODEC_LIMIT + codecId);
    body.u8(exponentOf(decoderMemoryBytes));
  }
  const extend = (tag: number, value: Uint8Array): void => {
    body.varint(tag);
    body.varint(value.length);
    body.bytes(value);
  };
  if (header.envelope !== undefined) extend(ExtensionTag.ENVELOPE, encodeEnvelope(header.envelope));
  if (Object.keys(header.metadata).length > 0) extend(ExtensionTag.METADATA, encodeMetadata(header.metadata));
  if (header.primer !== undefined && header.primer.length > 0) {
    extend(ExtensionTag.PRIMER, encodePrimer(header.primer));
  }
  if (header.inPlace !== undefined) extend(ExtensionTag.IN_PLACE, encodeInPlace(header.inPlace));
  if (header.tree !== undefined) extend(ExtensionTag.TREE, encodeTree(header.tree));
  const out = new ByteWriter();
  out.bytes(DELTA_MAGIC);
  out.u8(DELTA_VERSION);
  out.varint(body.length);
  out.bytes(body.view());
  out.u32(shortenChecksum((await loadHash64()).hash(out.view())));
  return out.view();
}

function decodeStreams(reader: ByteReader): StreamHeader[] {
  const streams: StreamHeader[] = [];
  const count = reader.u8();
  for (let i = 0; i < count; i++) {
    const head = reader.u8();
    const codecId = head % CODEC_LIMIT;
    const stream = (head - codecId) / CODEC_LIMIT;
    if (stream >= STREAM_COUNT) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `the delta has a stream number ${stream}, which this version does not know; update flatdelta`,
      );
    }
    if (i > 0 && stream <= streams[i - 1]!.stream) throw reader.corrupt("stream numbers do not rise");
    const memory = decodePower(reader);
    streams.push({ stream: stream as StreamId, codecId, decoderMemoryBytes: memory === 1 ? 0 : memory });
  }
  if (streams[0]?.stream !== StreamId.CONTROL) throw reader.corrupt("there is no control stream");
  return streams;
}

function decodeTargetForm(reader: ByteReader): TargetForm {
  const form = reader.u8();
  if (form !== TargetForm.PLAIN && form !== TargetForm.FLAT_IMAGE) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `the delta makes a target of form ${form}, which this version does not know; update flatdelta`,
    );
  }
  return form;
}

function decodeBody(body: Uint8Array): DeltaHeader {
  const what = "delta header";
  const reader = new ByteReader(body, { what, code: ErrorCode.CORRUPT_HEADER });
  const header = {
    targetForm: decodeTargetForm(reader),
    basisBytes: reader.varint(),
    basisSha256: reader.bytes(DIGEST_BYTES),
    basisXxh64: reader.u64(),
    targetBytes: reader.varint(),
    targetSha256: reader.bytes(DIGEST_BYTES),
    windowBytes: decodePower(reader),
    segmentBytes: decodePower(reader),
    streams: decodeStreams(reader),
    envelope: undefined as EnvelopeHeader | undefined,
    primer: [] as readonly SourceRange[],
    inPlace: undefined as InPlaceHeader | undefined,
    tree: undefined as TreeHeader | undefined,
    metadata: {} as Record<string, string>,
  };
  for (let last = 0; reader.remaining > 0; ) {
    const tag = reader.varint();
    if (tag <= last) throw reader.corrupt("extension tags do not rise");
    last = tag;
    const value = reader.bytes(reader.varint());
    if (tag === ExtensionTag.ENVELOPE) header.envelope = decodeEnvelope(value, header);
    else if (tag === ExtensionTag.PRIMER) header.primer = decodePrimer(value, header);
    else if (tag === ExtensionTag.IN_PLACE) header.inPlace = decodeInPlace(value);
    else if (tag === ExtensionTag.TREE) header.tree = decodeTree(value);
    else if (tag === ExtensionTag.METADATA) header.metadata = decodeMetadata(value, what);
    else if (tag % 2 === 1) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `the delta needs extension ${tag}, which this version does not know; update flatdelta`,
      );
    }
  }
  return header;
}

/**
 * Read magic, version and header from the beginning of a delta.
 *
 * @returns the header and its bytes, which the checksum at the delta's end covers too.
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`; {@link UnsupportedError}
 * `UNSUPPORTED_VERSION`, `UNSUPPORTED_FEATURE`; {@link LimitError} `SIZE_LIMIT`, `MEMORY_LIMIT`.
 */
export async function readDeltaHeader(
  reader: StreamReader,
  limits: DeltaLimits,
): Promise<{ header: DeltaHeader; headerFile: Uint8Array }> {
  const file = new ByteWriter();
  const take = async (bytes: number): Promise<Uint8Array> => {
    const piece = await reader.read(bytes);
    file.bytes(piece);
    return piece;
  };
  const magic = await take(DELTA_MAGIC.length);
  if (!equalBytes(magic, DELTA_MAGIC)) {
    throw new FormatError(ErrorCode.BAD_MAGIC, "expected a delta of flatdelta, found another kind of file", {
      offset: 0,
    });
  }
  const version = (await take(1))[0]!;
  if (version !== DELTA_VERSION) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_VERSION,
      `expected a delta of version ${DELTA_VERSION}, found version ${version}; update flatdelta`,
    );
  }
  const length = await readVarint(take, "delta header");
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, found ${length}`,
    );
  }
  const body = await take(length);
  const actual = shortenChecksum((await loadHash64()).hash(file.view()));
  const expected = new ByteReader(await take(CHECKSUM_BYTES), { what: "delta header" }).u32();
  if (actual !== expected) {
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      "the delta's header is damaged: its checksum does not fit",
      {
        expected: expected.toString(16),
        actual: actual.toString(16),
      },
    );
  }
  const header = decodeBody(body);
  checkDeltaLimit("targetBytes", header.targetBytes, limits.targetBytes, ErrorCode.SIZE_LIMIT);
  checkDeltaLimit("windowBytes", header.windowBytes, limits.windowBytes, ErrorCode.SIZE_LIMIT);
  checkDeltaLimit("segmentBytes", header.segmentBytes, limits.segmentBytes, ErrorCode.MEMORY_LIMIT);
  for (const stream of header.streams) {
    checkDeltaLimit(
      "decoderMemoryBytes",
      stream.decoderMemoryBytes,
      limits.decoderMemoryBytes,
      ErrorCode.MEMORY_LIMIT,
    );
  }
  return { header, headerFile: file.view() };
}

/** Read one varint byte by byte from what `take` gives. */
export async function readVarint(
  take: (bytes: number) => Promise<Uint8Array>,
  what: string,
): Promise<number> {
  const bytes: number[] = [];
  do bytes.push((await take(1))[0]!);
  while (bytes.at(-1)! >= 0x80 && bytes.length < 9);
  return new ByteReader(Uint8Array.from(bytes), { what, code: ErrorCode.CORRUPT_HEADER }).varint();
}
