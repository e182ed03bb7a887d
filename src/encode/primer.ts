import { concatBytes } from "../bytes/index.ts";
import { readRange, readRanges, type Source, type SourceRange } from "../io/index.ts";
import type { MatchList } from "../match/index.ts";
import type { StreamCoding } from "./levels.ts";

// For more literals what they say themselves is as good, and trying takes too long.
const MAX_LITERAL_BYTES = 1 << 16;
const MIN_LITERAL_BYTES = 64;

// How much of the basis before and behind a gap is tried. Files beside a new one are often written in its words.
const RADII_BYTES = [1 << 11, 1 << 12, 1 << 13, 1 << 14];
const MAX_PRIMER_BYTES = 1 << 19;

// What a range costs in the header.
const RANGE_COST_BYTES = 5;

/** Literal bytes, and the place in the basis that they stand in for. */
interface Gap {
  basisOffset: number;
  bytes: Uint8Array;
}

async function readGaps(target: Source, matches: MatchList): Promise<Gap[]> {
  const gaps: Gap[] = [];
  let at = 0;
  let basisOffset = 0;
  const add = async (end: number): Promise<void> => {
    if (end > at) gaps.push({ basisOffset, bytes: await readRange(target, at, end - at) });
  };
  for (const match of matches) {
    await add(match.targetOffset);
    at = match.targetOffset + match.length;
    basisOffset = match.basisOffset + match.length;
  }
  await add(target.size);
  return gaps;
}

/** The surroundings of gaps in the order of the basis, those of the largest gaps first if there are too many. */
function surround(gaps: readonly Gap[], radius: number, basisBytes: number): SourceRange[] {
  const largestFirst = [...gaps].sort((a, b) => b.bytes.length - a.bytes.length);
  const kept = largestFirst.slice(0, MAX_PRIMER_BYTES / (2 * radius));
  const ranges: SourceRange[] = [];
  for (const { basisOffset } of kept.sort((a, b) => a.basisOffset - b.basisOffset)) {
    const last = ranges.at(-1);
    const start = Math.max(last === undefined ? 0 : last.offset + last.length, basisOffset - radius);
    const end = Math.min(basisBytes, basisOffset + radius);
    if (end <= start) continue;
    if (last !== undefined && last.offset + last.length === start) last.length += end - start;
    else ranges.push({ offset: start, length: end - start });
  }
  return ranges;
}

/**
 * Choose the ranges of the basis that the coder of few literals learns from before the first one: by trying.
 *
 * @param literalBytes - how many literals there are.
 * @returns no ranges where that is shortest, or where the codec cannot learn.
 */
export async function choosePrimer(
  basis: Source | undefined,
  target: Source,
  matches: MatchList,
  literalBytes: number,
  { codec, effort, windowBits }: StreamCoding,
): Promise<SourceRange[]> {
  if (basis === undefined || codec.takesHistory !== true) return [];
  if (literalBytes < MIN_LITERAL_BYTES || literalBytes > MAX_LITERAL_BYTES) return [];
  const gaps = await readGaps(target, matches);
  const literals = concatBytes(gaps.map(({ bytes }) => bytes));
  let best: SourceRange[] = [];
  let bestBytes = Number.POSITIVE_INFINITY;
  for (const radius of [0, ...RADII_BYTES]) {
    const ranges = radius === 0 ? [] : surround(gaps, radius, basis.size);
    const encoder = codec.createEncoder({ effort, windowBits });
    if (ranges.length > 0) await encoder.prime!(await readRanges(basis, ranges));
    const bytes = (await encoder.encode(literals)).length + RANGE_COST_BYTES * ranges.length;
    encoder.close();
    // More helps to a point, and each try takes longer than all before it.
    if (bytes >= bestBytes) break;
    bestBytes = bytes;
    best = ranges;
  }
  return best;
}
