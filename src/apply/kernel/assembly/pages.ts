// The pages of the basis that are in memory: see `PageMemory` of ../../../io/paged.ts.
import { addBytes, copyBytes } from "./copy";
import {
  getPageBytes,
  getPageClock,
  getPageCount,
  getPages,
  getPageStarts,
  getPageUses,
  getSlotHintCount,
  getSlotHints,
  setMissingPage,
} from "./state";

let pageBytes: i64 = 0;
let lastStart: i64 = 0;
let lastEnd: i64 = 0;
let lastAt: usize = 0;

/** Other pages may be there than before. */
export function startPages(): void {
  pageBytes = getPageBytes();
  lastStart = 0;
  lastEnd = 0;
  setMissingPage(-1);
}

@inline
function isIn(slot: i32, start: i64): bool {
  return load<f64>(getPageStarts() + (<usize>slot << 3)) == <f64>start;
}

/** The slot of a page, or −1. Mostly it is where it was found last. */
function findSlot(start: i64): i32 {
  const hint = getSlotHints() + <usize>((start / pageBytes) % getSlotHintCount());
  const hinted = <i32>load<u8>(hint);
  if (isIn(hinted, start)) return hinted;
  const count = getPageCount();
  for (let slot = 0; slot < count; slot++) {
    if (!isIn(slot, start)) continue;
    store<u8>(hint, <u8>slot);
    return slot;
  }
  return -1;
}

/** Make the page that holds `offset` the last one used; if it is not in memory, say so. */
function findPage(offset: i64): boolean {
  const start = offset - offset % pageBytes;
  const slot = findSlot(start);
  if (slot < 0) {
    setMissingPage(start);
    return false;
  }
  const time = load<f64>(getPageClock()) + 1;
  store<f64>(getPageClock(), time);
  store<f64>(getPageUses() + (<usize>slot << 3), time);
  lastStart = start;
  lastEnd = start + pageBytes;
  lastAt = getPages() + <usize>slot * <usize>pageBytes;
  return true;
}

@inline
function hasPage(offset: i64): boolean {
  return (offset >= lastStart && offset < lastEnd) || findPage(offset);
}

@inline
function put(output: usize, offset: i64, length: i64, residual: usize): void {
  const from = lastAt + <usize>(offset - lastStart);
  if (residual == 0) copyBytes(output, from, <usize>length);
  else addBytes(output, from, residual, <usize>length);
}

function putFromTwo(output: usize, offset: i64, length: i64, residual: usize): boolean {
  const first = lastEnd - offset;
  // Longer ones are read at once, past the pages.
  if (length > pageBytes || !findPage(lastEnd) || !findPage(offset)) return false;
  put(output, offset, first, residual);
  findPage(lastEnd);
  put(output + <usize>first, offset + first, length - first, residual == 0 ? 0 : residual + <usize>first);
  return true;
}

/** Put bytes of the basis, with the bytes at `residual` added unless that is 0; false if they are not in memory. */
@inline
export function putBasis(output: usize, offset: i64, length: i64, residual: usize): boolean {
  if (!hasPage(offset)) return false;
  if (offset + length > lastEnd) return putFromTwo(output, offset, length, residual);
  put(output, offset, length, residual);
  return true;
}
