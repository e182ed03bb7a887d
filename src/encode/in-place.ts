import { varintBytes } from "../bytes/index.ts";
import type { InPlaceHeader } from "../delta/index.ts";
import type { SourceRange } from "../io/index.ts";
import { type Match, MatchList } from "../match/index.ts";
import { type InPlaceLayout, InPlacePlan, InPlaceReads } from "../transform/index.ts";

const DEFAULT_MAX_STASH_BYTES = 1 << 26;

// Few enough steps that waiting for the disk three times for each is not what an update takes, small enough to be held in
// memory and, where files only moved a little, to be stashed whole.
const MAX_STEP_BYTES = 1 << 22;
const MIN_STEP_BYTES = 1 << 14;
// A step and the one before are stashed at the same time, and something is to be left for what waits longer.
const STEPS_IN_STASH = 4;

const BLOCK_BYTES = 1 << 12;
// At nine bytes a block, 36 MiB for the plan of the largest images.
const MAX_BLOCKS = 1 << 22;

// What a step adds to the spool whatever it does: the index entries of its pieces, the seams of its ops, the frames of its
// coded parts.
const STEP_OVERHEAD_BYTES = 1 << 11;
// Longest name that a header takes from the data stream, with its op.
const HEADER_OP_BYTES = 512;

const highestPower = (value: number): number => 2 ** Math.floor(Math.log2(value));

/** What a delta may ask of a device that applies it in place. */
export interface InPlaceSettings {
  /** Bound of the stash: 64 MiB unless said otherwise. */
  maxStashBytes?: number | undefined;
  /** What is stashed and written at once, a power of two from 512 on: 4 KiB, a sector of today's disks, or more for targets over 16 GiB. */
  blockBytes?: number | undefined;
  /** Target bytes of one step, a power of two: 4 MiB, or less for a small stash. */
  stepBytes?: number | undefined;
}

/** How the target is cut into steps. */
function chooseLayout(basisBytes: number, targetBytes: number, settings: InPlaceSettings): InPlaceLayout {
  const { maxStashBytes = DEFAULT_MAX_STASH_BYTES } = settings;
  let { blockBytes = BLOCK_BYTES } = settings;
  while (targetBytes / blockBytes > MAX_BLOCKS) blockBytes *= 2;
  const wanted = highestPower(Math.max(1, maxStashBytes / STEPS_IN_STASH));
  const { stepBytes = Math.min(MAX_STEP_BYTES, Math.max(MIN_STEP_BYTES, wanted)) } = settings;
  return { basisBytes, targetBytes, stepBytes: Math.max(blockBytes, stepBytes), blockBytes };
}

/** Where one step's match with one block of the basis lies. */
interface MatchPiece {
  targetOffset: number;
  basisOffset: number;
  length: number;
}

/** A match cut where steps and blocks end. */
function* cutMatch(match: Match, { stepBytes, blockBytes }: InPlaceLayout): Generator<MatchPiece> {
  for (let done = 0; done < match.length; ) {
    const targetOffset = match.targetOffset + done;
    const basisOffset = match.basisOffset + done;
    const toStep = stepBytes - (targetOffset % stepBytes);
    const toBlock = blockBytes - (basisOffset % blockBytes);
    const length = Math.min(match.length - done, toStep, toBlock);
    yield { targetOffset, basisOffset, length };
    done += length;
  }
}

/** What the steps read. Matches that go on in target and basis are added as one: there are up to three times fewer of those. */
function gatherReads(
  matches: MatchList,
  ranges: readonly SourceRange[],
  layout: InPlaceLayout,
): InPlaceReads {
  const reads = new InPlaceReads(layout);
  let [joinedFrom, joinedTo, joinedShift, isJoinedCopy] = [0, 0, 0, false];
  const flush = (): void => {
    if (joinedFrom < joinedTo)
      reads.add(joinedFrom, joinedFrom + joinedShift, joinedTo - joinedFrom, isJoinedCopy);
  };
  const add = (from: number, to: number, shift: number, isCopy: boolean): void => {
    // Where bytes move it is all the same whether they are changed.
    const goesOn = from === joinedTo && shift === joinedShift && (shift !== 0 || isCopy === isJoinedCopy);
    if (!goesOn) {
      flush();
      joinedFrom = from;
      joinedShift = shift;
      isJoinedCopy = isCopy;
    }
    joinedTo = to;
  };
  let next = 0;
  for (const { offset, length } of ranges) {
    const end = offset + length;
    for (; next < matches.size; next++) {
      const start = matches.targetOffsetOf(next);
      const matchEnd = start + matches.lengthOf(next);
      const from = Math.max(start, offset);
      const to = Math.min(matchEnd, end);
      if (from < to) add(from, to, matches.basisOffsetOf(next) - start, matches.isExact(next));
      if (matchEnd > end) break;
    }
  }
  flush();
  return reads.finish();
}

/** Leave out of the matches what would read blocks that found no room in the stash: it becomes literal. */
function dropUnstashed(matches: MatchList, plan: InPlacePlan, layout: InPlaceLayout): MatchList {
  const kept = new MatchList();
  for (const match of matches) {
    const pieces = [...cutMatch(match, layout)];
    const isLost = pieces.map(({ targetOffset, basisOffset }) =>
      plan.isLost(Math.floor(targetOffset / layout.stepBytes), Math.floor(basisOffset / layout.blockBytes)),
    );
    if (!isLost.includes(true)) kept.addMatch(match);
    else if (match.isHeader !== true) {
      pieces.forEach(({ targetOffset, basisOffset, length }, i) => {
        if (!isLost[i]) kept.add(targetOffset, basisOffset, length, match.exact);
      });
    }
  }
  return kept;
}

/** At most so many bytes are kept of the delta while it is applied in place. */
function boundSpool(
  matches: MatchList,
  layout: InPlaceLayout,
  headBytes: number,
  segmentBytes: number,
): number {
  const { basisBytes, targetBytes, stepBytes } = layout;
  const opBytes = varintBytes(8 * stepBytes) + varintBytes(4 * Math.max(basisBytes, targetBytes));
  const { gapCount, gapBytes, headerCount, diffBytes } = matches.countTotals(targetBytes);
  const ops = matches.size + gapCount;
  const codedBytes = headBytes + gapBytes + diffBytes + headerCount * HEADER_OP_BYTES + ops * opBytes;
  const windows = Math.ceil((2 * codedBytes) / segmentBytes);
  const steps = Math.ceil(targetBytes / stepBytes);
  // Coded bytes may be a little more than raw ones.
  return Math.ceil(codedBytes * 1.01) + windows * 2 * opBytes + steps * STEP_OVERHEAD_BYTES;
}

/**
 * Find out what applying in place takes, and turn matches into literals where it would take a larger stash than allowed.
 *
 * @param ranges - what of the target ops make, in order, the head of a flat image left out: that is kept as it is.
 */
export function planInPlace(
  matches: MatchList,
  ranges: readonly SourceRange[],
  input: { basisBytes: number; targetBytes: number; headBytes: number; segmentBytes: number },
  settings: InPlaceSettings,
): { matches: MatchList; header: InPlaceHeader } {
  const { maxStashBytes = DEFAULT_MAX_STASH_BYTES } = settings;
  const layout = chooseLayout(input.basisBytes, input.targetBytes, settings);
  const maxSlots = Math.floor(maxStashBytes / layout.blockBytes);
  let fitting = matches;
  for (;;) {
    const plan = new InPlacePlan(gatherReads(fitting, ranges, layout), maxSlots);
    while (plan.next() !== undefined);
    if (plan.lostBlocks === 0) {
      const header = {
        stepBytes: layout.stepBytes,
        blockBytes: layout.blockBytes,
        stashBytes: plan.slotCount * layout.blockBytes,
        spoolBytes: boundSpool(fitting, layout, input.headBytes, input.segmentBytes),
      };
      return { matches: fitting, header };
    }
    // Without those reads the order may be another one, in which others find no room; each turn leaves fewer.
    fitting = dropUnstashed(fitting, plan, layout);
  }
}
