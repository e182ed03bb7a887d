// The decoder: tokens to bytes, in a window that is a ring.
import { isAreaDone } from "./area";
import {
  afterMatch,
  afterRep,
  afterShortRep,
  byteAt,
  codeDistance,
  codeLength,
  codeLiteral,
  codeMatchFlag,
  codeRepFlag,
  codeRepIndex,
  history,
  passLiteral,
  passMatch,
  position,
  Rep,
  rep0,
  state,
  storeByte,
  useDistance,
  useRep,
} from "./model";

/** What a call of `decodePiece` ended with. */
export const enum Outcome {
  DONE,
  MORE,
  DAMAGED,
}

/** Decode until `left` bytes are made, or until the area of coded bytes must be filled again. */
export function decodePiece(end: u32): Outcome {
  while (position != end) {
    if (isAreaDone()) return Outcome.MORE;
    if (!codeMatchFlag(0)) {
      const byte = codeLiteral(0);
      storeByte(position, byte);
      passLiteral(byte);
      continue;
    }
    let length: u32 = 1;
    let next: u32;
    if (codeRepFlag(Rep.ANY, 0)) {
      const index = codeRepIndex(0);
      if (index == 4) next = afterShortRep(state);
      else {
        useRep(index);
        length = codeLength(1, 2);
        next = afterRep(state);
      }
    } else {
      length = codeLength(0, 2);
      useDistance(codeDistance(1, length));
      next = afterMatch(state);
    }
    // A distance of 2^32 comes as 0, and is refused by its predecessor too.
    if (rep0 - 1 >= history || length > end - position) return Outcome.DAMAGED;
    copyMatch(length);
    passMatch(length, next);
  }
  return Outcome.DONE;
}

@inline
function copyMatch(length: u32): void {
  for (let i: u32 = 0; i < length; i++) storeByte(position + i, byteAt(position + i - rep0));
}
