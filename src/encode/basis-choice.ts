import type { EntrySpan } from "./input.ts";

/** So many files of the basis at most are taken for one of the target. */
const MAX_BASIS_FILES = 4;

// One hash in common is as often as not a phrase that many files have.
const MIN_SHARED_HASHES = 2;

function countBits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/**
 * Choose the files of the basis that one of the target is matched with, the likeliest first: the one that its name suggests,
 * and those that have most of what the ones before lack.
 *
 * @param named - the file that the name suggests.
 * @param shared - files that share hashes of the target's sketch, with the set of these.
 */
export function chooseBasisFiles(
  named: EntrySpan | undefined,
  shared: ReadonlyMap<EntrySpan, number>,
): EntrySpan[] {
  const chosen: EntrySpan[] = [];
  let covered = 0;
  const choose = (span: EntrySpan): void => {
    chosen.push(span);
    covered |= shared.get(span) ?? 0;
  };
  if (named !== undefined) choose(named);
  while (chosen.length < MAX_BASIS_FILES) {
    let best: EntrySpan | undefined;
    let most = MIN_SHARED_HASHES - 1;
    for (const [span, set] of shared) {
      const gain = countBits(set & ~covered);
      if (gain > most || (gain === most && best !== undefined && span.contentBytes < best.contentBytes)) {
        best = span;
        most = gain;
      }
    }
    if (best === undefined) break;
    choose(best);
  }
  return chosen;
}
