// Weak and strong hash of each block in one pass: the second reads what the first has brought into the cache.
import { STRONG_HASHES, WEAK_HASHES } from "./memory";
import { hashWindow } from "./rabinkarp";
import { hash64 } from "./xxh64";

/** Weak hashes of `count` blocks one after another, into WEAK_HASHES. */
export function hashBlocksWeak(from: usize, blockBytes: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(WEAK_HASHES + 4 * i, hashWindow(from + i * blockBytes, blockBytes));
}

/** Weak and strong hashes of `count` blocks one after another, into WEAK_HASHES and STRONG_HASHES. */
export function hashBlocks(from: usize, blockBytes: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const block = from + i * blockBytes;
    store<u32>(WEAK_HASHES + 4 * i, hashWindow(block, blockBytes));
    store<u64>(STRONG_HASHES + 8 * i, hash64(block, blockBytes));
  }
}
