import { type MatchColumns, MatchList } from "../match/index.ts";
import { addJoinedColumns, type BasisRange } from "./joined-basis.ts";

/** A pair that is still being matched, and the matches behind it that are known already. */
interface Place {
  targetOffset: number;
  basis: readonly BasisRange[];
  columns: MatchColumns | undefined;
  readonly following: MatchList;
}

/** Brings matches that are found out of order back into the order of the target, which is that of the calls. */
export class OrderedMatches {
  readonly #matches: MatchList;
  readonly #places: Place[] = [];

  constructor(matches: MatchList) {
    this.#matches = matches;
  }

  /** Where matches that are known already are to be added: behind everything so far. */
  get last(): MatchList {
    return this.#places.at(-1)?.following ?? this.#matches;
  }

  /**
   * Keep a place for the matches of a range of the target with ranges of the basis that were joined.
   *
   * @returns takes the matches once they are found.
   */
  reserve(targetOffset: number, basis: readonly BasisRange[]): (columns: MatchColumns) => void {
    const place: Place = { targetOffset, basis, columns: undefined, following: new MatchList() };
    this.#places.push(place);
    return (columns) => {
      place.columns = columns;
      this.#fill();
    };
  }

  #fill(): void {
    let filled = 0;
    for (const { targetOffset, basis, columns, following } of this.#places) {
      if (columns === undefined) break;
      addJoinedColumns(this.#matches, targetOffset, basis, columns);
      for (const match of following) this.#matches.addMatch(match);
      filled++;
    }
    this.#places.splice(0, filled);
  }
}
