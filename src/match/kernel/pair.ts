import { type MatchColumns, toColumns } from "../match-columns.ts";
import { MatchList } from "../match-list.ts";
import { PIECE_BYTES } from "../pair.ts";
import { layOut } from "./layout.ts";
import { instantiateMatchKernel, type MatchKernel } from "./load.ts";
import { addFound } from "./records.ts";

// Memory of WASM never becomes less: an instance that needed more than this is not used again.
const MAX_KEPT_PAGES = 1 << 9;

let kept: MatchKernel | undefined;

/** Match all of `target` with `basis`, byte by byte; offsets are relative to the two arrays. */
export async function matchPair(target: Uint8Array, basis: Uint8Array): Promise<MatchColumns> {
  const kernel = kept ?? (await instantiateMatchKernel());
  // Whoever comes meanwhile makes another: nothing below waits.
  kept = undefined;
  const { kernels, memory, scratchBytes } = kernel;
  const layout = layOut(basis.length, Math.min(target.length, PIECE_BYTES), 1, scratchBytes);
  const missing = layout.pages - memory.buffer.byteLength / 65_536;
  if (missing > 0) memory.grow(missing);
  const bytes = new Uint8Array(memory.buffer);
  const { scratch, piece } = layout.areas[0]!;
  bytes.set(basis, layout.basis);
  kernels.setBasis(layout.basis, basis.length);
  const found = kernels.setScratch(scratch);
  const matches = new MatchList();
  let isIndexed = false;
  for (let at = 0; at < target.length; at += PIECE_BYTES) {
    const part = target.subarray(at, at + PIECE_BYTES);
    bytes.set(part, piece);
    kernels.setTarget(piece, part.length);
    if (kernels.startPiece(at) !== 0 && !isIndexed) {
      isIndexed = true;
      bytes.fill(0, layout.slots, layout.slots + 4 * 2 ** layout.slotBits);
      kernels.setSlots(layout.slots, layout.slotBits);
      kernels.fillSlots(0, 0);
    }
    addFound(kernel, found, at, matches);
  }
  if (layout.pages <= MAX_KEPT_PAGES) kept = kernel;
  return toColumns(matches);
}
