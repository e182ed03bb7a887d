// What tokens cost, for the parser: from the first counter of each decision alone.
import { LENGTH_PRICES, LOWEST_PRICES, MAX_NICE, SCALE_PRICES } from "./encoder-memory";
import { DIRECT_BYTES, FIRST_0, LENGTH_0, LITERAL_0, LOWEST_0, MATCH_0, REP_0, SCALE_0 } from "./memory";
import { lengthSlot, lengthState, Rep, scaleOf } from "./model";
import { priceByLine } from "./nibble-prices";
import { loadProbability } from "../../assembly/counters";
import { LINE_BYTES } from "../../assembly/nibble-layout";
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

/** Make the tables anew. */
export function refreshPrices(): void {
  for (let set: u32 = 0; set < 8; set++) {
    const line = LENGTH_0 + <usize>set * (2 * LINE_BYTES);
    for (let length: u32 = 2; length <= MAX_NICE; length++) {
      const slot = lengthSlot(length);
      let price = priceByLine(line, min<u32>(slot, 15));
      if (slot >= 15) price += priceByLine(line + LINE_BYTES, slot - 15) + ((slot - 15) << COST_BITS);
      store<u32>(LENGTH_PRICES + (<usize>((set << 9) | length) << 2), price);
    }
  }
  for (let from: u32 = 0; from < 4; from++) {
    for (let scale: u32 = 0; scale < 256; scale++) {
      const log = scale >> 3;
      let price =
        priceByLine(SCALE_0 + <usize>from * LINE_BYTES, scale >> 4) +
        priceByLine(FIRST_0 + <usize>((scale >> 4 << 2) | from) * LINE_BYTES, scale & 15);
      if (log > 7) price += (log - 7) << COST_BITS;
      store<u32>(SCALE_PRICES + (<usize>((from << 8) | scale) << 2), price);
    }
  }
  for (let log: u32 = 4; log < 32; log++) {
    for (let lowest: u32 = 0; lowest < 16; lowest++) {
      store<u32>(
        LOWEST_PRICES + (<usize>((log << 4) | lowest) << 2),
        priceByLine(LOWEST_0 + <usize>log * LINE_BYTES, lowest),
      );
    }
  }
}

@inline
export function lengthPrice(rep: u32, at: u32, length: u32): u32 {
  return load<u32>(LENGTH_PRICES + (<usize>((((rep << 2) | (at & 3)) << 9) | length) << 2));
}

@inline
export function distancePrice(distance: u32, length: u32): u32 {
  const scale = scaleOf(distance);
  const log = scale >> 3;
  const price = load<u32>(SCALE_PRICES + (<usize>((lengthState(length) << 8) | scale) << 2));
  if (log < 4) return price;
  const lowest = distance & ((1 << min<u32>(log - 3, 4)) - 1);
  return price + load<u32>(LOWEST_PRICES + (<usize>((log << 4) | lowest) << 2));
}

/** About what a literal costs, from the byte before it alone. */
export function roughLiteralPrice(before: u32, byte: u32): u32 {
  const lines = LITERAL_0 + <usize>before * DIRECT_BYTES;
  return priceByLine(lines, byte >> 4) + priceByLine(lines + <usize>(1 + (byte >> 4)) * LINE_BYTES, byte & 15);
}
