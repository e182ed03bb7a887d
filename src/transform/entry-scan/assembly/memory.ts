// The memory map of an instance. The exported constants are the loader's only knowledge of it.

/** What is known of entries, RECORD_BYTES each: those that are complete. */
export const RECORDS: usize = 4096;
export const RECORD_BYTES: usize = 64;
export const MAX_RECORDS: u32 = 512;

/** What is to be read of them, one behind the other: paths, or the headers of those that are not told apart here. */
export const TEXTS: usize = RECORDS + RECORD_BYTES * <usize>MAX_RECORDS;
export const TEXTS_BYTES: usize = 2 * 65536;
/** Longer extended headers are left to others. */
export const MAX_TEXT_BYTES: usize = 16384;

/** The entry whose content has not ended yet: its record and its text. */
export const PENDING: usize = 1024;
export const PENDING_TEXT: usize = TEXTS + TEXTS_BYTES;

/** A header without what is not to be hashed. */
export const MASKED: usize = 2048;

/** Hashes under way: of the content, and of all that passes. */
export const CONTENT_STREAM: usize = 3072;
export const WHOLE_STREAM: usize = CONTENT_STREAM + 128;

/** Where the loader puts pieces. */
export const INPUT: usize = 65536 * 3;
export const INPUT_BYTES: u32 = 1 << 18;
