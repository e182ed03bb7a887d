import { concatBytes } from "../bytes/index.ts";
import { readRange, readRanges, type Source, type SourceRange } from "../io/index.ts";
import type { MatchList } from "../match/index.ts";
import type { StreamCoding } from "./levels.ts";

// Few literals are worth trying; of more a sample of what stands around them is as good, and trying takes too long.
const MAX_TRIED_BYTES = 1 << 16;
const MIN_LITERAL_BYTES = 64;

// How much of the basis before and behind a gap is tried. Files beside a new one are often written in its words.
const RADII_BYTES = [1 << 11, 1 << 12, 1 << 13, 1 << 14];
const MAX_TRIED_PRIMER_BYTES = 1 << 19;

// What a range costs in the header.
const RANGE_COST_BYTES = 5;

// A sample has so many places, with up to 4 KiB around each. With twice as much, 0.2 to 0.75 % fewer bytes take 2 to 8 % longer to apply.
// Learning from four times the literals takes a decoder about as long as the literals themselves.
const SAMPLE_PLACES = 128;
const MAX_SAMPLE_RADIUS_BYTES = 1 << 11;
const SAMPLE_SHARE = 4;

/** Literal bytes, and the place in the basis that they stand in for. */
interface Gap {
  basisOffset: number;
  targetOffset: number;
  length: number;
}

function* listGaps(matches: MatchList, targetBytes: number): Generator<Gap, void, undefined> {
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

/** The surroundings of places that literals are evenly spread over: a long gap goes on behind its place. */
function sample(gaps: Iterable<Gap>, literalBytes: number, basisBytes: number): SourceRange[] {
  const radius = Math.min(
    MAX_SAMPLE_RADIUS_BYTES,
    Math.ceil((SAMPLE_SHARE * literalBytes) / (2 * SAMPLE_PLACES)),
  );
  const step = literalBytes / SAMPLE_PLACES;
  const places: number[] = [];
  let passed = 0;
  for (const { basisOffset, length } of gaps) {
    passed += length;
    for (let place = basisOffset; (places.length + 0.5) * step < passed; place += 2 * radius)
      places.push(place);
  }
  return surround(places, radius, basisBytes);
}

/** Those surroundings of the largest gaps, in that order, with which the literals need the fewest bytes. */
async function chooseByTrying(
  basis: Source,
  target: Source,
  gaps: readonly Gap[],
  { codec, effort, windowBits }: StreamCoding,
): Promise<SourceRange[]> {
  const literals = concatBytes(
    await Promise.all(gaps.map(({ targetOffset, length }) => readRange(target, targetOffset, length))),
  );
  const places = [...gaps].sort((a, b) => b.length - a.length).map(({ basisOffset }) => basisOffset);
  let best: SourceRange[] = [];
  let bestBytes = Number.POSITIVE_INFINITY;
  const attempt = async (ranges: SourceRange[]): Promise<boolean> => {
    const encoder = codec.createEncoder({ effort, windowBits });
    if (ranges.length > 0) await encoder.prime!(await readRanges(basis, ranges));
    const bytes = (await encoder.encode(literals)).length + RANGE_COST_BYTES * ranges.length;
    encoder.close();
    if (bytes >= bestBytes) return false;
    bestBytes = bytes;
    best = ranges;
    return true;
  };
  await attempt([]);
  for (const radius of RADII_BYTES) {
    const ranges = surround(places.slice(0, MAX_TRIED_PRIMER_BYTES / (2 * radius)), radius, basis.size);
    const isBetter = await attempt(ranges);
    // What was learned last counts most.
    const isBetterReversed = ranges.length > 1 && (await attempt([...ranges].reverse()));
    // More helps to a point, and each try takes longer than all before it.
    if (!isBetter && !isBetterReversed) break;
  }
  return best;
}

/**
 * Choose the ranges of the basis that the coder of literals learns from before the first one.
 *
 * @param literalBytes - how many literals there are.
 * @returns no ranges where that is shortest, or where the codec cannot learn.
 */
export async function choosePrimer(
  basis: Source | undefined,
  target: Source,
  matches: MatchList,
  literalBytes: number,
  coding: StreamCoding,
): Promise<SourceRange[]> {
  if (basis === undefined || coding.codec.takesHistory !== true) return [];
  if (literalBytes < MIN_LITERAL_BYTES) return [];
  const gaps = listGaps(matches, target.size);
  if (literalBytes > MAX_TRIED_BYTES) return sample(gaps, literalBytes, basis.size);
  return chooseByTrying(basis, target, [...gaps], coding);
}
