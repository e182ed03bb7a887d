import type { MatchColumns } from "../match-columns.ts";
import { MatchList } from "../match-list.ts";
import { PIECE_BYTES } from "../pair.ts";
import { layOut } from "./layout.ts";
import { instantiateMatchKernel, type MatchKernel } from "./load.ts";
import { type AddRecords, addFound } from "./records.ts";

// Memory of WASM never becomes less: an instance that needed more than this is not used again.
const MAX_KEPT_PAGES = 1 << 9;

let kept: MatchKernel | undefined;

/** Two files to be matched, and how to get at their bytes: they are read to where the kernel works on them. */
export interface PairInput {
  readonly targetBytes: number;
  readonly basisBytes: number;
  /** Whether what one alignment has mostly equal is searched for a better one in steps only: see `findAnchors`. */
  readonly skims: boolean;
  /** Fill `into` with the target's bytes from `offset`. */
  readTarget(offset: number, into: Uint8Array): Promise<void> | undefined;
  /** Fill `into` with all bytes of the basis. */
  readBasis(into: Uint8Array): Promise<void> | undefined;
}

/** Match all of a target with a basis, byte by byte; `add` receives offsets relative to the two. */
export async function matchPairInput(input: PairInput, add: AddRecords): Promise<void> {
  const { targetBytes, basisBytes } = input;
  const kernel = kept ?? (await instantiateMatchKernel());
  // Whoever comes meanwhile makes another.
  kept = undefined;
  const { kernels, memory, scratchBytes } = kernel;
  const layout = layOut(basisBytes, Math.min(targetBytes, PIECE_BYTES), 1, scratchBytes);
  const missing = layout.pages - memory.buffer.byteLength / 65_536;
  if (missing > 0) memory.grow(missing);
  const bytes = new Uint8Array(memory.buffer);
  const { scratch, piece } = layout.areas[0]!;
  // Not awaited where there is nothing to wait for: most pairs are of a few kilobytes.
  const basis = input.readBasis(bytes.subarray(layout.basis, layout.basis + basisBytes));
  if (basis !== undefined) await basis;
  kernels.setBasis(layout.basis, basisBytes);
  const found = kernels.setScratch(scratch);
  let isIndexed = false;
  for (let at = 0; at < targetBytes; at += PIECE_BYTES) {
    const pieceBytes = Math.min(PIECE_BYTES, targetBytes - at);
    const target = input.readTarget(at, bytes.subarray(piece, piece + pieceBytes));
    if (target !== undefined) await target;
    kernels.setTarget(piece, pieceBytes);
    if (kernels.startPiece(at, Number(input.skims)) !== 0 && !isIndexed) {
      isIndexed = true;
      bytes.fill(0, layout.slots, layout.slots + 4 * 2 ** layout.slotBits);
      kernels.setSlots(layout.slots, layout.slotBits);
      kernels.fillSlots(0, 0);
    }
    addFound(kernel, found, at, add);
  }
  if (layout.pages <= MAX_KEPT_PAGES) kept = kernel;
}

/** Match all of `target` with `basis`, byte by byte; offsets are relative to the two arrays. */
export async function matchPair(target: Uint8Array, basis: Uint8Array, skims = false): Promise<MatchColumns> {
  const matches = new MatchList();
  const input: PairInput = {
    targetBytes: target.length,
    basisBytes: basis.length,
    skims,
    readTarget: (offset, into) => {
      into.set(target.subarray(offset, offset + into.length));
      return undefined;
    },
    readBasis: (into) => {
      into.set(basis);
      return undefined;
    },
  };
  await matchPairInput(input, (records, pieceOffset) => matches.addRecords(records, pieceOffset, 0));
  return matches.toColumns();
}
