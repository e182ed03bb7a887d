// Where a context's counters are. Each context has a table of its own; a check of 16 bits tells whether an entry is the
// context's or another's that fell on the same place, and such an entry is taken over and starts fresh. (Without the
// checks the same model needs 20 % more bytes: what a stranger's counter says is worse than nothing.)
import { FRESH } from "./decision";
import {
  FLAG_SLOTS,
  FLAG_TABLE_BITS,
  FLAG_TABLE_BYTES,
  FLAG_TABLES,
  VALUE_LINES,
  VALUE_TABLE_BITS,
  VALUE_TABLE_BYTES,
  VALUE_TABLES,
} from "./memory";

/** Mix the two words of a context into 32 bits. */
@inline
export function hashContext(a: u32, b: u32): u32 {
  const product = (a * 0x9e3779b1) ^ ((b + 0x7f4a7c15) * 0x85ebca6b);
  return (product ^ (product >> 15)) * 0x2c1b3c6d;
}

/** Find the flag counter of context number `index`, whose hash is `hash`. */
@inline
export function findFlag(index: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const entry =
    FLAG_TABLES + <usize>index * FLAG_TABLE_BYTES + (<usize>(mixed >> (32 - FLAG_TABLE_BITS)) << 2);
  // Without a branch: whether the check holds cannot be foreseen.
  const held = load<u32>(entry);
  store<u32>(entry, select<u32>(held, (mixed & 0xffff) | ((<u32>FRESH) << 16), ((held ^ mixed) & 0xffff) == 0));
  store<u32>(FLAG_SLOTS + (<usize>index << 2), <u32>entry + 2);
}

/** Find the value line of context number `index`. */
@inline
export function findLine(index: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const line =
    VALUE_TABLES + <usize>index * VALUE_TABLE_BYTES + (<usize>(mixed >> (32 - VALUE_TABLE_BITS)) << 5);
  if (load<u16>(line) != <u16>mixed) {
    const fresh = i16x8.splat(<i16>FRESH);
    v128.store(line, i16x8.replace_lane(fresh, 0, <i16>mixed));
    v128.store(line, fresh, 16);
  }
  store<u32>(VALUE_LINES + (<usize>index << 2), <u32>line);
}
