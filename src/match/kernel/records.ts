import type { MatchKernel } from "./load.ts";

/**
 * Receives matches as a kernel lists them, three numbers for each: target offset, basis offset, length · 2 + 1 where it is exact. They
 * are in the kernel's memory, until the call returns.
 *
 * @param pieceOffset - is to be added to the offsets in the target.
 */
export type AddRecords = (records: Uint32Array, pieceOffset: number) => void;

/**
 * Add what the kernel finds in the piece it was started with.
 *
 * @param found - where it lists matches.
 */
export function addFound(
  { kernels, memory }: MatchKernel,
  found: number,
  pieceOffset: number,
  add: AddRecords,
): void {
  for (let bytes = kernels.findMatches(); bytes > 0; bytes = kernels.findMatches()) {
    add(new Uint32Array(memory.buffer, found, bytes / 4), pieceOffset);
  }
}
