import type { AddMatch } from "../pair.ts";
import type { MatchKernel } from "./load.ts";

/** Bytes of a match as the kernel lists it: target offset, basis offset, length · 2 + 1 where it is exact, as u32. */
const RECORD_BYTES = 12;

/**
 * Add what the kernel finds in the piece it was started with.
 *
 * @param found - where it lists matches.
 * @param pieceOffset - is added to the offsets in the target.
 */
export function addFound(
  { kernels, memory }: MatchKernel,
  found: number,
  pieceOffset: number,
  add: AddMatch,
): void {
  for (let bytes = kernels.findMatches(); bytes > 0; bytes = kernels.findMatches()) {
    const view = new DataView(memory.buffer, found, bytes);
    for (let at = 0; at < bytes; at += RECORD_BYTES) {
      const length = view.getUint32(at + 8, true);
      add(
        pieceOffset + view.getUint32(at, true),
        view.getUint32(at + 4, true),
        length >>> 1,
        (length & 1) === 1,
      );
    }
  }
}
