// Where a field refers to when it counts from itself, and what becomes of the field when that place and itself have moved. What
// holds for bytes in front of x86's instructions, and for tables, holds for ARM's instructions in other units: branches count in
// words, and addresses come in two parts, a page and what is added to it. (Arm Architecture Reference Manual: B, BL, ADRP, ADD and
// LDR/STR with an unsigned offset of A64; B and BL of A32.) No file says what it is; its bytes do, and on x86 less than one field in a
// hundred looks like ARM. Residuals of ARM's executables are up to 20 % smaller by branches and another 3 to 6 % by pages.
import { addBytes } from "./bytes";
import { BASIS, RESIDUAL } from "./memory";

/** A 32-bit number of bytes. */
const BYTES: u32 = 0;
/** The lower `branchBits` bits are a signed number of words. */
const BRANCH: u32 = 1;
/** A64's ADRP: 21 bits in two parts are a signed number of pages from the instruction's own. */
const PAGE: u32 = 2;
/** A64's ADD, LDR or STR behind an ADRP: 12 bits from bit 10 are added to that page, in units of 2^inPageUnit. */
const IN_PAGE: u32 = 3;

const PAGE_BITS: u32 = 12;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;
/** How far from an ADRP what belongs to it may be, in bytes. */
const MAX_AHEAD_BYTES: usize = 16;
const MAX_BEHIND_BYTES: usize = 32;

let kind: u32 = BYTES;
let field: u32 = 0;
let fieldShift: u32 = 0;
let branchBits: u32 = 0;
let inPageUnit: u32 = 0;
/** The lower bits of the place, and the ADRP: where it is in memory, and its basis offset. */
let low: u32 = 0;
let pageAt: usize = 0;
let pageAddress: u32 = 0;

@inline
function isPage(word: u32): bool {
  return (word & 0x9f000000) == 0x90000000;
}

@inline
function pagesOf(word: u32): i32 {
  return ((<i32>(word << 8) >> 13) << 2) | <i32>((word >> 29) & 3);
}

@inline
function withPages(word: u32, pages: i32): u32 {
  return (word & 0x9f00001f) | ((<u32>pages & 3) << 29) | (((<u32>pages >> 2) & 0x7ffff) << 5);
}

/** The unit of what an instruction adds to a register, a power of two; -1 if it adds nothing. */
@inline
function unitOf(word: u32): i32 {
  if ((word & 0xffc00000) == 0x91000000) return 0;
  if ((word & 0x3b000000) != 0x39000000) return -1;
  return (word & 0xc4800000) == 0x04800000 ? 4 : <i32>(word >> 30);
}

/** Whether `user` adds to the register that `page` sets. */
@inline
function isUserOf(user: u32, page: u32): bool {
  return ((user >> 5) & 31) == (page & 31);
}

@inline
function addedBy(word: u32, unit: u32): u32 {
  return ((word >> 10) & PAGE_MASK) << unit;
}

/** The bytes that the lower bits of a branch, or of a difference of two, count. */
@inline
function bytesOfBranch(word: u32): u32 {
  return <u32>((<i32>(word << (32 - branchBits)) >> (32 - branchBits)) << 2);
}

/** The page's part of the place that an ADRP at basis offset `address` and its user refer to. */
@inline
function startOfPage(page: u32, address: u32): u32 {
  return (address & ~PAGE_MASK) + (<u32>pagesOf(page) << PAGE_BITS);
}

/** What the user ahead of the ADRP at `b` adds to it, 0 if there is none. */
function findAdded(b: usize, page: u32): u32 {
  for (let ahead: usize = 4; ahead <= MAX_AHEAD_BYTES; ahead += 4) {
    const user = load<u32>(b + ahead);
    const unit = unitOf(user);
    if (unit >= 0 && isUserOf(user, page)) return addedBy(user, unit);
  }
  return 0;
}

/** Where the ADRP is to which the instruction at `b` adds, 0 if there is none. */
function findPage(b: usize, user: u32): usize {
  for (let behind: usize = 4; behind <= MAX_BEHIND_BYTES; behind += 4) {
    const page = load<u32>(b - behind);
    if (isPage(page) && isUserOf(user, page)) return b - behind;
  }
  return 0;
}

/**
 * Read the field at `b`, which is `word`, has basis offset `address` and is `shift` further on in the target.
 *
 * @returns the basis offset of the place that it refers to, but for what is the same for all fields of a section.
 */
export function readPlace(b: usize, word: u32, address: u32, shift: u32): u32 {
  kind = BYTES;
  field = word;
  fieldShift = shift;
  if ((address & 3) != 0) return address + word;
  branchBits = (word & 0x7c000000) == 0x14000000 ? 26 : (word & 0xfe000000) == 0xea000000 ? 24 : 0;
  if (branchBits) {
    kind = BRANCH;
    return address + bytesOfBranch(word);
  }
  if (isPage(word)) {
    kind = PAGE;
    low = findAdded(b, word);
    pageAddress = address;
    return startOfPage(word, address) + low;
  }
  const unit = unitOf(word);
  if (unit < 0) return address + word;
  pageAt = findPage(b, word);
  if (pageAt == 0) return address + word;
  kind = IN_PAGE;
  inPageUnit = unit;
  low = addedBy(word, unit);
  pageAddress = address - <u32>(b - pageAt);
  return startOfPage(load<u32>(pageAt), pageAddress) + low;
}

/** Whether the field that was read is a branch. */
export function isBranch(): bool {
  return kind == BRANCH;
}

/** How many pages further on the ADRP itself is in the target. */
@inline
function pagesPassed(): i32 {
  return <i32>((pageAddress & PAGE_MASK) + fieldShift) >> PAGE_BITS;
}

/** The difference of the field when its place has moved by `move`. */
export function differenceOf(move: u32): u32 {
  if (kind == BRANCH) {
    const mask: u32 = (1 << branchBits) - 1;
    const words = <u32>(<i32>(move - fieldShift) >> 2);
    return ((field & ~mask) | ((field + words) & mask)) - field;
  }
  if (kind == PAGE) return withPages(field, pagesOf(field) + (<i32>(low + move) >> PAGE_BITS) - pagesPassed()) - field;
  if (kind == IN_PAGE) return ((((low + move) & PAGE_MASK) >> inPageUnit) - (low >> inPageUnit)) << 10;
  return move - fieldShift;
}

/** How far the field's place has moved when its difference is `difference`, as far as the field and its ADRP tell. */
export function moveOf(difference: u32): u32 {
  if (kind == BRANCH) return bytesOfBranch(difference) + fieldShift;
  if (kind == PAGE) return <u32>(pagesOf(field + difference) - pagesOf(field) + pagesPassed()) << PAGE_BITS;
  if (kind == IN_PAGE) {
    const page = load<u32>(pageAt);
    const pages = pagesOf(addBytes(page, load<u32>(pageAt + (RESIDUAL - BASIS)))) - pagesOf(page) + pagesPassed();
    return (<u32>pages << PAGE_BITS) + addedBy(field + difference, inPageUnit) - low;
  }
  return difference + fieldShift;
}
