import { DEFAULT_TARGET_LIMITS, type TargetLimits } from "../target-limits.ts";

/** The numbers of RFC 3284 (sections 4 and 5) and of the extensions that xdelta3 writes. */

/** What a VCDIFF file begins with; a byte for the version follows. */
export const VCDIFF_MAGIC: Uint8Array = Uint8Array.of(0xd6, 0xc3, 0xc4);

/** The version of RFC 3284. */
export const VCDIFF_VERSION = 0;

/** The version of open-vcdiff's format extensions: `S`. */
export const OPEN_VCDIFF_VERSION = 0x53;

/** Bits of the header's indicator. */
export const HeaderFlag = {
  SECONDARY_COMPRESSOR: 1,
  CODE_TABLE: 2,
  /** xdelta3's: a length and so many bytes of any meaning follow. */
  APPLICATION_HEADER: 4,
} as const;

/** Bits of a window's indicator. */
export const WindowFlag = {
  /** The source segment is a part of the basis. */
  SOURCE: 1,
  /** The source segment is a part of the target made so far. */
  TARGET: 2,
  /** xdelta3's: the target window has an Adler-32 checksum. */
  ADLER32: 4,
} as const;

const SECONDARY_COMPRESSORS: Readonly<Record<number, string>> = { 1: "DJW", 2: "LZMA", 16: "FGK" };

/** The name of a secondary compressor, as xdelta3 numbers them. */
export function nameSecondaryCompressor(id: number): string {
  return SECONDARY_COMPRESSORS[id] ?? `number ${id}`;
}

/** What a reader of VCDIFF files allows. A file that asks for more is refused before anything is allocated. */
export interface VcdiffLimits extends TargetLimits {
  /** Size of a target window: memory. */
  windowBytes: number;
  /** What one window takes in the file: memory. */
  windowDeltaBytes: number;
  /** Size of the application header. */
  applicationHeaderBytes: number;
}

/**
 * The limits that hold unless the caller sets others: 64 GiB of target, 100 times basis and delta, 64 MiB windows of at most
 * 128 MiB, 64 KiB of header.
 */
export const DEFAULT_VCDIFF_LIMITS: VcdiffLimits = {
  ...DEFAULT_TARGET_LIMITS,
  windowBytes: 2 ** 26,
  windowDeltaBytes: 2 ** 27,
  applicationHeaderBytes: 2 ** 16,
};
