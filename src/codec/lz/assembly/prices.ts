// What tokens cost, for the parser: from the first counter of each decision alone.
import { ALIGN_PRICES, LENGTH_PRICES, MAX_NICE, SLOT_PRICES } from "./encoder-memory";
import { ALIGN_0, LENGTH_0, LITERAL_1, DIRECT_BYTES, LINE_BYTES, MATCH_0, REP_0, SLOT_0 } from "./memory";
import { distanceSlot, lengthSlot, lengthState, Rep } from "./model";
import { loadProbability } from "../../assembly/counters";
import { COST_BITS, costOf } from "./tables";

@inline
function counterCost(counter: usize, bit: u32): u32 {
  return costOf(bit, <u32>loadProbability(counter));
}

@inline
export function matchFlagPrice(state: u32, at: u32, bit: u32): u32 {
  return counterCost(MATCH_0 + (<usize>((state << 2) | (at & 3)) << 1), bit);
}

@inline
export function repFlagPrice(kind: u32, state: u32, bit: u32): u32 {
  return counterCost(REP_0 + (<usize>((kind << 4) | state) << 1), bit);
}

/** Which of the last distances, with 4 for a single byte. */
export function repIndexPrice(index: u32, state: u32): u32 {
  if (index == 0 || index == 4) {
    return repFlagPrice(Rep.NOT_0, state, 0) + repFlagPrice(Rep.LONG_0, state, u32(index == 0));
  }
  const not0 = repFlagPrice(Rep.NOT_0, state, 1);
  if (index == 1) return not0 + repFlagPrice(Rep.NOT_1, state, 0);
  return not0 + repFlagPrice(Rep.NOT_1, state, 1) + repFlagPrice(Rep.NOT_2, state, u32(index == 3));
}

function treePrice(counters: usize, bits: u32, symbol: u32): u32 {
  let price: u32 = 0;
  let node: u32 = 1;
  for (let i = bits; i > 0; i--) {
    const bit = (symbol >> (i - 1)) & 1;
    price += counterCost(counters + (<usize>node << 1), bit);
    node = (node << 1) | bit;
  }
  return price;
}

/** Make the tables anew. */
export function refreshPrices(): void {
  for (let set: u32 = 0; set < 8; set++) {
    let lastSlot: u32 = 0xffffffff;
    let price: u32 = 0;
    for (let length: u32 = 2; length <= MAX_NICE; length++) {
      const slot = lengthSlot(length - 2);
      if (slot != lastSlot) {
        price = treePrice(LENGTH_0 + <usize>set * 64, 5, slot);
        if (slot >= 16) price += ((slot - 8) / 2 - 1) << COST_BITS;
        lastSlot = slot;
      }
      store<u32>(LENGTH_PRICES + (<usize>((set << 9) | length) << 2), price);
    }
  }
  for (let from: u32 = 0; from < 4; from++) {
    for (let slot: u32 = 0; slot < 64; slot++) {
      let price = treePrice(SLOT_0 + <usize>from * 128, 6, slot);
      if (slot >= 4) {
        const bits = (slot >> 1) - 1;
        price += (bits <= 4 ? bits : bits - 4) << COST_BITS;
      }
      store<u32>(SLOT_PRICES + (<usize>((from << 6) | slot) << 2), price);
    }
  }
  for (let low: u32 = 0; low < 16; low++) {
    const reversed = ((low & 1) << 3) | ((low & 2) << 1) | ((low & 4) >> 1) | (low >> 3);
    store<u32>(ALIGN_PRICES + (<usize>low << 2), treePrice(ALIGN_0, 4, reversed));
  }
}

@inline
export function lengthPrice(rep: u32, at: u32, length: u32): u32 {
  return load<u32>(LENGTH_PRICES + (<usize>((((rep << 2) | (at & 3)) << 9) | length) << 2));
}

@inline
export function distancePrice(distance: u32, length: u32): u32 {
  const rest = distance - 1;
  const slot = distanceSlot(rest);
  const price = load<u32>(SLOT_PRICES + (<usize>((lengthState(length) << 6) | slot) << 2));
  return slot < 12 ? price : price + load<u32>(ALIGN_PRICES + (<usize>(rest & 15) << 2));
}

/** About what a literal costs, from the byte before it alone. */
export function roughLiteralPrice(before: u32, byte: u32): u32 {
  const lines = LITERAL_1 + <usize>before * DIRECT_BYTES;
  return (
    treePrice(lines, 4, byte >> 4) + treePrice(lines + <usize>(1 + (byte >> 4)) * LINE_BYTES, 4, byte & 15)
  );
}
