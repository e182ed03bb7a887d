/**
 * Tar archives, bit for bit: header blocks, PAX records, sparse maps, and a reader over them.
 *
 * @module
 */
export * from "./cursor.ts";
export * from "./header.ts";
export * from "./pax.ts";
export * from "./reader.ts";
export * from "./sparse.ts";
export * from "./text.ts";
