import { addColumns, type MatchColumns, MatchList, mergeMatches } from "../match/index.ts";

/** Brings matches that are found out of order back into the order of the target, which is that of the calls. */
export class OrderedMatches {
  /** Those that are known when their turn comes. */
  readonly known = new MatchList();
  /** Those that are found later, as far as none before them is missing. */
  readonly #found = new MatchList();
  readonly #waiting: { columns: MatchColumns | undefined }[] = [];

  /**
   * Keep a place for matches, behind those of earlier calls.
   *
   * @returns takes the matches once they are found.
   */
  reserve(): (columns: MatchColumns) => void {
    const place: { columns: MatchColumns | undefined } = { columns: undefined };
    this.#waiting.push(place);
    return (columns) => {
      place.columns = columns;
      let filled = 0;
      for (; this.#waiting[filled]?.columns !== undefined; filled++)
        addColumns(this.#found, 0, 0, this.#waiting[filled]!.columns!);
      this.#waiting.splice(0, filled);
    };
  }

  /** All matches, once all are found. */
  merge(): MatchList {
    return mergeMatches(this.known, this.#found);
  }
}
