import { countSlots } from "../seed-index.ts";

/** Below this the instance's module may have something. */
const FIRST_PLACE = 1024;

/** What may be read behind target and basis. */
const PADDING_BYTES = 64;

const PAGE_BYTES = 65_536;

/** Where everything stands in a memory: addresses in bytes. */
export interface MatchLayout {
  basis: number;
  basisBytes: number;
  slots: number;
  slotBits: number;
  /** For each that matches pieces: its own memory, and its piece. */
  areas: { scratch: number; piece: number }[];
  pages: number;
}

const align = (place: number): number => Math.ceil(place / 64) * 64;

/** Lay out a memory for a basis and pieces of up to so many bytes. */
export function layOut(
  basisBytes: number,
  pieceBytes: number,
  areaCount: number,
  scratchBytes: number,
): MatchLayout {
  const slotBits = Math.log2(countSlots(basisBytes));
  const slots = FIRST_PLACE;
  const basis = slots + 4 * 2 ** slotBits;
  let end = align(basis + basisBytes + PADDING_BYTES);
  const areas = Array.from({ length: areaCount }, () => {
    const scratch = end;
    const piece = align(scratch + scratchBytes);
    end = align(piece + pieceBytes + PADDING_BYTES);
    return { scratch, piece };
  });
  return { basis, basisBytes, slots, slotBits, areas, pages: Math.ceil(end / PAGE_BYTES) };
}
