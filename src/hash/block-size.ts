/** The smallest block that can be hashed and looked for, in bytes. */
export const MIN_BLOCK_BYTES = 16;

/** The largest block that can be hashed and looked for, in bytes. */
export const MAX_BLOCK_BYTES = 65_536;

/** Check that blocks of this size can be hashed and looked for. */
export function checkBlockBytes(blockBytes: number): void {
  if (!Number.isInteger(blockBytes) || blockBytes < MIN_BLOCK_BYTES || blockBytes > MAX_BLOCK_BYTES) {
    throw new RangeError(`blockBytes: expected ${MIN_BLOCK_BYTES} … ${MAX_BLOCK_BYTES}, got ${blockBytes}`);
  }
}
