import type { MatchColumns } from "../match-columns.ts";
import { MatchList } from "../match-list.ts";
import { PIECE_BYTES } from "../pair.ts";
import { layOut, type MatchLayout } from "./layout.ts";
import { instantiateMatchKernel } from "./load.ts";
import { addFound } from "./records.ts";

// Room for what an instance says that it needs.
const SCRATCH_BYTES = 1 << 20;

/** A pair of files in memory that threads share: one that has the parts of it to match gives them what they need. */
export interface SharedPair {
  /** As in `PairInput`. */
  skims: boolean;
  memory: WebAssembly.Memory;
  layout: MatchLayout;
}

/**
 * Memory that threads share, for a basis of 16 bytes at least, its index, and as many pieces of a target as are matched at the
 * same time.
 */
export function createSharedPair(basisBytes: number, areaCount: number, skims = false): SharedPair {
  const layout = layOut(basisBytes, PIECE_BYTES, areaCount, SCRATCH_BYTES);
  const memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared: true });
  return { skims, memory, layout };
}

/** Where the basis is to be put. */
export function basisOfShared({ memory, layout }: SharedPair): Uint8Array {
  return new Uint8Array(memory.buffer, layout.basis, layout.basisBytes);
}

/** Where a piece of the target is to be put that is matched in one of the areas. */
export function pieceOfShared({ memory, layout }: SharedPair, area: number, pieceBytes: number): Uint8Array {
  return new Uint8Array(memory.buffer, layout.areas[area]!.piece, pieceBytes);
}

/** Index one of 2^partBits parts of the basis. All parts must be indexed before a piece is matched. */
export async function indexSharedPart(
  { memory, layout }: SharedPair,
  part: number,
  partBits: number,
): Promise<void> {
  const { kernels } = await instantiateMatchKernel(memory);
  kernels.setBasis(layout.basis, layout.basisBytes);
  kernels.setSlots(layout.slots, layout.slotBits);
  kernels.fillSlots(part, partBits);
}

/**
 * Match the piece in an area. All pieces together give what {@link matchPair} finds.
 *
 * @param pieceBytes - its length: {@link PIECE_BYTES} or, at the target's end, less.
 * @param pieceOffset - where in the target it begins; the offsets found are relative to the piece.
 */
export async function matchSharedPiece(
  { skims, memory, layout }: SharedPair,
  area: number,
  pieceBytes: number,
  pieceOffset: number,
): Promise<MatchColumns> {
  const kernel = await instantiateMatchKernel(memory);
  if (kernel.scratchBytes > SCRATCH_BYTES) {
    throw new RangeError(`expected a kernel that needs ${SCRATCH_BYTES} bytes, got ${kernel.scratchBytes}`);
  }
  const { kernels } = kernel;
  const { scratch, piece } = layout.areas[area]!;
  kernels.setBasis(layout.basis, layout.basisBytes);
  kernels.setSlots(layout.slots, layout.slotBits);
  const found = kernels.setScratch(scratch);
  kernels.setTarget(piece, pieceBytes);
  kernels.startPiece(pieceOffset, Number(skims));
  const matches = new MatchList();
  addFound(kernel, found, 0, (records) => matches.addRecords(records, 0, 0));
  return matches.toColumns();
}
