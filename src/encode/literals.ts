/** How the literals of a delta are coded: by which codec, and what it learns from before. */
import { concatBytes } from "../bytes/index.ts";
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

// What a range costs in the header.
const RANGE_COST_BYTES = 6;

/** How literals are coded. */
export interface LiteralCoding {
  coding: StreamCoding;
  /** Ranges of the basis that the codec learns from before the first literal; none where that is shortest. */
  primer: readonly SourceRange[];
}

/** Codes the same literals again and again, and keeps what took the fewest bytes. */
class LiteralTrials {
  readonly #basis: Source | undefined;
  readonly #literals: Uint8Array;
  #best: LiteralCoding | undefined;
  #bestBytes = Number.POSITIVE_INFINITY;

  constructor(basis: Source | undefined, literals: Uint8Array) {
    this.#basis = basis;
    this.#literals = literals;
  }

  get best(): LiteralCoding {
    return this.#best!;
  }

  /** Whether this is the best so far. */
  async attempt(coding: StreamCoding, primer: readonly SourceRange[]): Promise<boolean> {
    const encoder = coding.codec.createEncoder(coding);
    if (primer.length > 0) await encoder.prime!(await readRanges(this.#basis!, primer));
    const bytes = (await encoder.encode(this.#literals)).length + RANGE_COST_BYTES * primer.length;
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
  const trials = new LiteralTrials(basis, literals);
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
 */
export async function chooseLiteralCoding(
  basis: Source | undefined,
  target: Source,
  matches: MatchList,
  literalBytes: number,
  asked: StreamCoding,
): Promise<LiteralCoding> {
  const coding = fitCoding(asked, literalBytes);
  const { codec, codecForFew } = asked;
  const canLearn = basis !== undefined && codec.takesHistory === true;
  const gaps = listGaps(matches, target.size);
  if (literalBytes > MAX_TRIED_BYTES) {
    if (!canLearn) return { coding, primer: [] };
    return { coding, primer: sampleSurroundings(gaps, asked.effort, literalBytes, basis.size) };
  }
  if (literalBytes === 0 || (codecForFew === undefined && !canLearn)) return { coding, primer: [] };
  const codings = codecForFew === undefined ? [coding] : [coding, { ...coding, codec: codecForFew }];
  return chooseByTrying(basis, target, [...gaps], codings);
}
