/** How the literals of a delta are coded: by which codec, and what it learns from before. */
import { concatBytes } from "../bytes/index.ts";
import { encodePrimer } from "../delta/index.ts";
import { readRange, readRanges, type Source, type SourceRange } from "../io/index.ts";
import type { MatchList } from "../match/index.ts";
import { fitCoding, type StreamCoding } from "./levels.ts";
import { type Gap, listGaps, sampleSurroundings, surroundLargest } from "./primer.ts";

// Few literals are worth trying; of more a sample of what stands around them is as good, and trying takes too long.
const MAX_TRIED_BYTES = 1 << 16;
const MIN_PRIMED_BYTES = 32;

// How much of the basis before and behind a gap is tried, as powers of two. Files beside a new one are often written in its words:
// of 17 updates each of these was the best for one or more.
const FIRST_RADIUS_POWER = 13;
const MIN_RADIUS_POWER = 10;
const MAX_RADIUS_POWER = 17;

// Where literals are so few, what more ranges cost and more effort gains are alike: then the highest effort tries what those below it do.
const MAX_TRIED_SAMPLE_BYTES = 1 << 18;
const TRIED_EFFORTS = [9, 8, 7];

/** How literals are coded. */
export interface LiteralCoding {
  coding: StreamCoding;
  /** Ranges of the basis that the codec learns from before the first literal; none where that is shortest. */
  primer: readonly SourceRange[];
}

/** Codes the same literals again and again, and keeps what took the fewest bytes. */
class LiteralTrials {
  readonly #basis: Source | undefined;
  readonly #segments: readonly Uint8Array[];
  #best: LiteralCoding | undefined;
  #bestBytes = Number.POSITIVE_INFINITY;

  constructor(basis: Source | undefined, segments: readonly Uint8Array[]) {
    this.#basis = basis;
    this.#segments = segments;
  }

  get best(): LiteralCoding {
    return this.#best!;
  }

  /** Whether this is the best so far. */
  async attempt(coding: StreamCoding, primer: readonly SourceRange[]): Promise<boolean> {
    const encoder = coding.codec.createEncoder(coding);
    if (primer.length > 0) await encoder.prime!(await readRanges(this.#basis!, primer));
    let bytes = encodePrimer(primer).length;
    for (const segment of this.#segments) bytes += (await encoder.encode(segment)).length;
    encoder.close();
    if (bytes >= this.#bestBytes) return false;
    this.#bestBytes = bytes;
    this.#best = { coding, primer };
    return true;
  }
}

async function chooseByTrying(
  basis: Source | undefined,
  target: Source,
  gaps: readonly Gap[],
  codings: readonly StreamCoding[],
): Promise<LiteralCoding> {
  const literals = concatBytes(
    await Promise.all(gaps.map(({ targetOffset, length }) => readRange(target, targetOffset, length))),
  );
  const trials = new LiteralTrials(basis, [literals]);
  for (const coding of codings) await trials.attempt(coding, []);
  // Which codec is better without history was so with it, in all but one of 29 cases.
  const { coding } = trials.best;
  if (basis === undefined || coding.codec.takesHistory !== true || literals.length < MIN_PRIMED_BYTES) {
    return trials.best;
  }
  const isBetter = (power: number): Promise<boolean> =>
    trials.attempt(coding, surroundLargest(gaps, 2 ** power, basis.size));
  await isBetter(FIRST_RADIUS_POWER);
  let power = FIRST_RADIUS_POWER;
  while (power < MAX_RADIUS_POWER && (await isBetter(power + 1))) power++;
  if (power === FIRST_RADIUS_POWER) {
    while (power > MIN_RADIUS_POWER && (await isBetter(power - 1))) power--;
  }
  const { primer } = trials.best;
  // What was learned last counts most.
  if (primer.length > 1) await trials.attempt(coding, [...primer].reverse());
  return trials.best;
}

/**
 * Choose how the literals are coded.
 *
 * @param literalBytes - how many there are.
 * @param gatherSegments - the literals as they will be coded: it takes as long as making the ops.
 */
export async function chooseLiteralCoding(
  basis: Source | undefined,
  target: Source,
  matches: MatchList,
  literalBytes: number,
  asked: StreamCoding,
  gatherSegments: () => Promise<Uint8Array[]>,
): Promise<LiteralCoding> {
  const coding = fitCoding(asked, literalBytes);
  const { codec, codecForFew } = asked;
  const canLearn = basis !== undefined && codec.takesHistory === true;
  if (literalBytes > MAX_TRIED_BYTES) {
    if (!canLearn) return { coding, primer: [] };
    const sample = (effort: number): SourceRange[] =>
      sampleSurroundings(listGaps(matches, target.size), effort, literalBytes, basis.size);
    if (asked.effort < 9 || literalBytes > MAX_TRIED_SAMPLE_BYTES)
      return { coding, primer: sample(asked.effort) };
    const trials = new LiteralTrials(basis, await gatherSegments());
    for (const sampled of TRIED_EFFORTS) {
      const ranges = sample(sampled);
      for (const effort of TRIED_EFFORTS)
        await trials.attempt(fitCoding({ ...asked, effort }, literalBytes), ranges);
    }
    return trials.best;
  }
  if (literalBytes === 0 || (codecForFew === undefined && !canLearn)) return { coding, primer: [] };
  const codings = codecForFew === undefined ? [coding] : [coding, { ...coding, codec: codecForFew }];
  return chooseByTrying(basis, target, [...listGaps(matches, target.size)], codings);
}
