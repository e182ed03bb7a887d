// What symbols would cost, for the parser.
import { lineAt, SHARE_BITS, shareOf, weightsOf } from "../../assembly/nibble";
import { costOf } from "./tables";

/** What it would cost to code a symbol from the lines at LINES. */
@inline
export function priceNibble(symbol: u32, sets: usize): u32 {
  const l0 = lineAt(0);
  const l1 = lineAt(1);
  const l2 = lineAt(2);
  const l3 = lineAt(3);
  const weights = weightsOf(sets, load<u16>(l1), load<u16>(l2), load<u16>(l3));
  const mixed =
    shareOf(l0, symbol) * load<i32>(weights) +
    shareOf(l1, symbol) * load<i32>(weights, 4) +
    shareOf(l2, symbol) * load<i32>(weights, 8) +
    shareOf(l3, symbol) * load<i32>(weights, 12);
  return costOf(1, <u32>mixed >> (2 * SHARE_BITS - 12));
}

/** What it would cost by one line alone. */
@inline
export function priceByLine(line: usize, symbol: u32): u32 {
  return costOf(1, <u32>shareOf(line, symbol) >> (SHARE_BITS - 12));
}
