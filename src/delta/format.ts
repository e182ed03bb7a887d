/** Constants of the delta format: the one home of each. `FORMAT.md` beside this file says what they mean. */

/** First eight bytes of a delta: not text, with line ends that a text-mode transfer would change. */
export const DELTA_MAGIC: Uint8Array = Uint8Array.of(0x89, 0x66, 0x6c, 0x61, 0x74, 0x64, 0x0d, 0x0a);

/** The version that this code reads and writes. */
export const DELTA_VERSION = 1;

/** Bytes of a SHA-256 digest. */
export const DIGEST_BYTES = 32;

/** Bytes of a checksum: the lower half of an XXH64. It finds accidents; what proves a target is its SHA-256. */
export const CHECKSUM_BYTES = 4;

/** What the target is, beyond being bytes. */
export const TargetForm = { PLAIN: 0, FLAT_IMAGE: 1 } as const;
export type TargetForm = (typeof TargetForm)[keyof typeof TargetForm];

/** The kinds of record that follow the header. */
export const RecordKind = { END: 0, TARGET_WINDOW: 1 } as const;

/** The streams of a delta. Each target window has at most one segment of each. */
export const StreamId = { CONTROL: 0, DATA: 1, RESIDUAL: 2 } as const;
export type StreamId = (typeof StreamId)[keyof typeof StreamId];

/** How many streams version 1 knows. */
export const STREAM_COUNT = 3;

/** In a stream's header one byte is the stream's number times this, plus the codec's. */
export const CODEC_LIMIT = 64;

/** Largest exponent of a bound that the header gives as a power of two. */
export const MAX_EXPONENT = 52;

/** The kinds of op, as the low three bits of an op's first integer. 6 and 7 are reserved. */
export const OpKind = { COPY: 0, DIFF: 1, DATA: 2, RUN: 3, TOUCH: 4, HEADER: 5 } as const;
export type OpKind = (typeof OpKind)[keyof typeof OpKind];

/** Divisor that separates an op's kind from its length. */
export const OP_KIND_COUNT = 8;

/** Header extensions. Odd tags must be understood by a reader, even ones may be skipped. */
export const ExtensionTag = { ENVELOPE: 1, METADATA: 2, PRIMER: 3, IN_PLACE: 4, TREE: 10 } as const;

/** Most bytes of the basis that the data stream's codec is primed with. */
export const MAX_PRIMER_BYTES = 1 << 21;

/** Largest config of a flat image whose envelope is computed: a reader holds it in memory. */
export const MAX_CONFIG_BYTES = 1 << 24;

/** Blocks of an in-place update have 2^9 bytes, a disk's sector, to 2^24. */
export const MIN_BLOCK_POWER = 9;
/** See {@link MIN_BLOCK_POWER}. */
export const MAX_BLOCK_POWER = 24;
/** One step of an in-place update makes at most 2^26 bytes: a reader holds it in memory. */
export const MAX_STEP_POWER = 26;

/** What an update of an unpacked root file system writes is counted in these: what most file systems give to files. */
export const TREE_BLOCK_BYTES = 4096;

/** What a HEADER op makes, and the unit in which the head of a flat image is counted: a block of a tar. */
export const HEADER_BYTES = 512;

/** What fields of a HEADER op are there, as bits of its first integer. */
export const HeaderFlag = { SIZE: 1, ABSOLUTE_TIME: 2, TIME: 4, NAME: 8, LINK_NAME: 16, PREFIX: 32 } as const;

/** All combinations of them. */
export const HEADER_FLAGS_LIMIT = 64;

/** The texts of a tar header that a HEADER op can change, in the order of their flags. */
export const HEADER_TEXTS: readonly { flag: number; offset: number; bytes: number }[] = [
  { flag: HeaderFlag.NAME, offset: 0, bytes: 100 },
  { flag: HeaderFlag.LINK_NAME, offset: 157, bytes: 100 },
  { flag: HeaderFlag.PREFIX, offset: 345, bytes: 155 },
];

/** Hexadecimal digits of the layer's digest, which the ops leave out of the config. */
export const DIGEST_DIGITS = 2 * DIGEST_BYTES;

/** Largest header that is read. */
export const MAX_HEADER_BYTES = 1 << 20;

/** Default bound of a target window: a place to resume at, and what one checksum covers. */
export const DEFAULT_WINDOW_BYTES = 1 << 29;

/** Default bound of what one segment decodes to: this, not the window, is what a decoder holds in memory. */
export const DEFAULT_SEGMENT_BYTES = 1 << 19;
