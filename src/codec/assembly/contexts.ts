// Where a context's counters are. Each context has a table of its own; a check of 16 bits tells whether an entry is the
// context's or another's that fell on the same place, and such an entry is taken over and starts fresh. (Without the
// checks the same model needs 20 % more bytes: what a stranger's counter says is worse than nothing.)
import { HASHES, LINES, SLOTS } from "./layout";

/** Mix the two words of a context into 32 bits. */
@inline
export function hashContext(a: u32, b: u32): u32 {
  const product = (a * 0x9e3779b1) ^ ((b + 0x7f4a7c15) * 0x85ebca6b);
  return (product ^ (product >> 15)) * 0x2c1b3c6d;
}

/** Find the counter of context number `index` in its table of 2^bits entries: each a check and a counter, 4 bytes. */
@inline
export function findSlot(table: usize, bits: u32, index: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const entry = table + (<usize>(mixed >> (32 - bits)) << 2);
  // Without a branch: whether the check holds cannot be foreseen.
  const held = load<u32>(entry);
  store<u32>(entry, select<u32>(held, mixed & 0xffff, ((held ^ mixed) & 0xffff) == 0));
  store<u32>(SLOTS + (<usize>index << 2), <u32>entry + 2);
}

/** Find the line of context number `index` in its table of 2^bits lines: each a check and 15 counters, 32 bytes. */
@inline
export function findLine(table: usize, bits: u32, index: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const line = table + (<usize>(mixed >> (32 - bits)) << 5);
  // With a branch, unlike above: a tenth faster, since the processor goes on while a line is on its way.
  if (load<u16>(line) != <u16>mixed) {
    const fresh = i16x8.splat(0);
    v128.store(line, i16x8.replace_lane(fresh, 0, <i16>mixed));
    v128.store(line, fresh, 16);
  }
  store<u32>(LINES + (<usize>index << 2), <u32>line);
}

/** Keep the hash of context number `index` for all lines of a number's tree. */
@inline
export function setHash(index: u32, hash: u32): void {
  store<u32>(HASHES + (<usize>index << 2), hash);
}

/** The hash of context number `index` behind the bits that `node` stands for. */
@inline
export function hashBehind(index: u32, node: u32): u32 {
  return (load<u32>(HASHES + (<usize>index << 2)) + node * 0x9e3779b1) * 0x85ebca6b;
}
