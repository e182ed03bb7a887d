/**
 * Bytes in memory: varints to 2^53 − 1, checked cursors, comparison, hexadecimal digits. Imports nothing but errors.
 *
 * @module
 */
export * from "./bytes.ts";
export * from "./reader.ts";
export * from "./varint.ts";
export * from "./writer.ts";
