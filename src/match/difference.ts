import type { MatchList } from "./match-list.ts";

// An equal run of fewer bytes inside changed ones stays part of the DIFF: its zeros cost a coder less than two more ops.
const MIN_EQUAL_RUN_BYTES = 1024;

/**
 * Match two ranges of equal length byte by byte: runs that are equal become exact matches, what lies between them
 * differences.
 *
 * @param target - the target's bytes from `targetOffset`.
 * @param basis - the basis' bytes from `basisOffset`, as many.
 */
export function addDifference(
  matches: Pick<MatchList, "add">,
  targetOffset: number,
  basisOffset: number,
  target: Uint8Array,
  basis: Uint8Array,
): void {
  const length = target.length;
  let done = 0;
  for (let at = 0; at < length; ) {
    const runStart = at;
    while (at < length && target[at] === basis[at]) at++;
    // At both ends of the range any equal run is worth leaving out: it joins what is beside it.
    if (at - runStart >= MIN_EQUAL_RUN_BYTES || (at > runStart && (runStart === 0 || at === length))) {
      matches.add(targetOffset + done, basisOffset + done, runStart - done, false);
      matches.add(targetOffset + runStart, basisOffset + runStart, at - runStart, true);
      done = at;
    }
    while (at < length && target[at] !== basis[at]) at++;
  }
  matches.add(targetOffset + done, basisOffset + done, length - done, false);
}
