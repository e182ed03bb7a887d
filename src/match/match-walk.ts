import type { Match, MatchList } from "./match-list.ts";

/** The matches one after another, with the gaps between them, as a walk along the target. */
export class MatchWalk {
  readonly #matches: MatchList;
  #index = 0;
  #match: Match | undefined;

  constructor(matches: MatchList) {
    this.#matches = matches;
    this.#match = matches.size > 0 ? matches.at(0) : undefined;
  }

  /** What covers the target from `offset`, which may only rise: a match or a gap, and how far it goes on. */
  from(offset: number): { match: Match | undefined; length: number } {
    while (this.#match !== undefined && offset >= this.#match.targetOffset + this.#match.length) {
      this.#index++;
      this.#match = this.#index < this.#matches.size ? this.#matches.at(this.#index) : undefined;
    }
    const match = this.#match;
    if (match === undefined) return { match, length: Number.POSITIVE_INFINITY };
    if (offset < match.targetOffset) return { match: undefined, length: match.targetOffset - offset };
    return { match, length: match.targetOffset + match.length - offset };
  }
}
