/** Ranges of the basis from which the coder of literals learns before the first of them. */

import type { SourceRange } from "../io/index.ts";
import type { MatchList } from "../match/index.ts";

// Of all places together.
const MAX_SURROUNDING_BYTES = 1 << 19;

// A sample has so many places, with up to 4 KiB around each. Each time that they double, 0.2 to 0.9 % fewer bytes take 2 to 8 % longer
// to apply. Learning from four times the literals takes a decoder about as long as the literals themselves.
const SAMPLE_PLACES = 128;
const SAMPLE_PLACES_OF_EFFORT: Readonly<Record<number, number>> = { 8: 256, 9: 512 };
const MAX_SAMPLE_RADIUS_BYTES = 1 << 11;
// More places with less around each gain nothing.
const MIN_SAMPLE_RADIUS_BYTES = 768;
const SAMPLE_SHARE = 4;

/** Literal bytes, and the place in the basis that they stand in for. */
export interface Gap {
  basisOffset: number;
  targetOffset: number;
  length: number;
}

/** The gaps between the matches, in the target's order. */
export function* listGaps(matches: MatchList, targetBytes: number): Generator<Gap, void, undefined> {
  let at = 0;
  let basisOffset = 0;
  for (const match of matches) {
    const length = match.targetOffset - at;
    if (length > 0) yield { basisOffset, targetOffset: at, length };
    at = match.targetOffset + match.length;
    basisOffset = match.basisOffset + match.length;
  }
  if (targetBytes > at) yield { basisOffset, targetOffset: at, length: targetBytes - at };
}

/** What lies around places of the basis, in its order. */
function surround(places: readonly number[], radius: number, basisBytes: number): SourceRange[] {
  const ranges: SourceRange[] = [];
  for (const place of [...places].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    const start = Math.max(last === undefined ? 0 : last.offset + last.length, place - radius);
    const end = Math.min(basisBytes, place + radius);
    if (end <= start) continue;
    if (last !== undefined && last.offset + last.length === start) last.length += end - start;
    else ranges.push({ offset: start, length: end - start });
  }
  return ranges;
}

/** What lies up to `radius` bytes around the largest gaps, in the basis' order. */
export function surroundLargest(gaps: readonly Gap[], radius: number, basisBytes: number): SourceRange[] {
  const largest = [...gaps]
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_SURROUNDING_BYTES / (2 * radius));
  return surround(
    largest.map(({ basisOffset }) => basisOffset),
    radius,
    basisBytes,
  );
}

/**
 * The surroundings of places that literals are evenly spread over: a long gap goes on behind its place.
 *
 * @param effort - of the level, 1 to 9.
 */
export function sampleSurroundings(
  gaps: Iterable<Gap>,
  effort: number,
  literalBytes: number,
  basisBytes: number,
): SourceRange[] {
  const halfBytes = (SAMPLE_SHARE * literalBytes) / 2;
  const count = Math.min(
    SAMPLE_PLACES_OF_EFFORT[effort] ?? SAMPLE_PLACES,
    Math.ceil(halfBytes / MIN_SAMPLE_RADIUS_BYTES),
  );
  const radius = Math.min(MAX_SAMPLE_RADIUS_BYTES, Math.ceil(halfBytes / count));
  const step = literalBytes / count;
  const places: number[] = [];
  let passed = 0;
  for (const { basisOffset, length } of gaps) {
    passed += length;
    for (let place = basisOffset; (places.length + 0.5) * step < passed; place += 2 * radius)
      places.push(place);
  }
  return surround(places, radius, basisBytes);
}
