import { type MatchColumns, MatchList } from "../match/index.ts";

/** Brings matches that are found out of order back into the order of the target, which is that of the calls. */
export class OrderedMatches {
  /** Those that are known when their turn comes. */
  readonly known = new MatchList();
  /** Those that are found later, in the order of their places. */
  readonly #found: (MatchColumns | undefined)[] = [];

  /**
   * Keep a place for matches, behind those of earlier calls.
   *
   * @returns takes the matches once they are found.
   */
  reserve(): (columns: MatchColumns) => void {
    const place = this.#found.push(undefined) - 1;
    return (columns) => {
      this.#found[place] = columns;
    };
  }

  /** All matches, once all are found. */
  merge(): MatchList {
    const { known } = this;
    const found = this.#found.filter((columns) => columns !== undefined);
    const merged = new MatchList(found.reduce((sum, { lengths }) => sum + lengths.length, known.size));
    let next = 0;
    for (const { targetOffsets, basisOffsets, lengths, exact } of found) {
      for (let i = 0; i < lengths.length; i++) {
        const targetOffset = targetOffsets[i]!;
        while (next < known.size && known.targetOffsetOf(next) < targetOffset) merged.addFrom(known, next++);
        merged.add(targetOffset, basisOffsets[i]!, lengths[i]!, exact[i] === 1);
      }
    }
    while (next < known.size) merged.addFrom(known, next++);
    return merged;
  }
}
