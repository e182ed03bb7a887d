import { addColumns, type MatchColumns, MatchList } from "../match/index.ts";

/** A pair that is still being matched, and the matches behind it that are known already. */
interface Place {
  targetOffset: number;
  basisOffset: number;
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
   * Keep a place for the matches of two ranges that begin at these offsets.
   *
   * @returns takes the matches once they are found.
   */
  reserve(targetOffset: number, basisOffset: number): (columns: MatchColumns) => void {
    const place: Place = { targetOffset, basisOffset, columns: undefined, following: new MatchList() };
    this.#places.push(place);
    return (columns) => {
      place.columns = columns;
      this.#fill();
    };
  }

  #fill(): void {
    let filled = 0;
    for (const { targetOffset, basisOffset, columns, following } of this.#places) {
      if (columns === undefined) break;
      addColumns(this.#matches, targetOffset, basisOffset, columns);
      for (const match of following) this.#matches.addMatch(match);
      filled++;
    }
    this.#places.splice(0, filled);
  }
}
