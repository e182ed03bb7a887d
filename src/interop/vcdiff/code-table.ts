/** The default code table of RFC 3284, section 5.6: what the 256 codes of the instruction section stand for. */

/** Kinds of instructions, with the numbers of section 5.4. */
export const InstructionKind = { NOOP: 0, ADD: 1, RUN: 2, COPY: 3 } as const;

/** One of them. */
export type InstructionKind = (typeof InstructionKind)[keyof typeof InstructionKind];

/** An instruction as a code gives it. */
export interface Instruction {
  readonly kind: InstructionKind;
  /** 0 when the size follows the code. */
  readonly size: number;
  /** Address mode of a COPY, else 0. */
  readonly mode: number;
}

/** How many address modes there are: SELF, HERE, four NEAR, three SAME. */
export const MODE_COUNT = 9;

const NOOP: Instruction = { kind: InstructionKind.NOOP, size: 0, mode: 0 };

type Code = readonly [first: Instruction, second: Instruction];

function* listCodes(): Generator<Code, void, undefined> {
  const add = (size: number): Instruction => ({ kind: InstructionKind.ADD, size, mode: 0 });
  const copy = (size: number, mode: number): Instruction => ({ kind: InstructionKind.COPY, size, mode });
  yield [{ kind: InstructionKind.RUN, size: 0, mode: 0 }, NOOP];
  for (let size = 0; size <= 17; size++) yield [add(size), NOOP];
  for (let mode = 0; mode < MODE_COUNT; mode++) {
    yield [copy(0, mode), NOOP];
    for (let size = 4; size <= 18; size++) yield [copy(size, mode), NOOP];
  }
  for (let mode = 0; mode < MODE_COUNT; mode++) {
    const longest = mode < 6 ? 6 : 4;
    for (let added = 1; added <= 4; added++) {
      for (let size = 4; size <= longest; size++) yield [add(added), copy(size, mode)];
    }
  }
  for (let mode = 0; mode < MODE_COUNT; mode++) yield [copy(4, mode), add(1)];
}

/** Each code's two instructions, of which the second is mostly a NOOP. */
export const CODE_TABLE: readonly Code[] = [...listCodes()];

// Sizes in the table are below 32, modes below 16, kinds below 4.
const keyOf = ({ kind, size, mode }: Instruction): number => (kind * 32 + size) * 16 + mode;
const pairKeyOf = (first: Instruction, second: Instruction): number => keyOf(first) * 2048 + keyOf(second);

const CODES = new Map(CODE_TABLE.map(([first, second], code) => [pairKeyOf(first, second), code]));

const MAX_TABLE_SIZE = 18;

/** The code for an instruction alone; `hasSize` tells whether its size is part of the code. */
export function findCode(instruction: Instruction): { code: number; hasSize: boolean } {
  const code = instruction.size <= MAX_TABLE_SIZE ? CODES.get(pairKeyOf(instruction, NOOP)) : undefined;
  if (code !== undefined && instruction.size > 0) return { code, hasSize: true };
  return { code: CODES.get(pairKeyOf({ ...instruction, size: 0 }, NOOP))!, hasSize: false };
}

/** The code that stands for two instructions with their sizes, if there is one. */
export function findPairCode(first: Instruction, second: Instruction): number | undefined {
  if (first.size > MAX_TABLE_SIZE || second.size > MAX_TABLE_SIZE) return undefined;
  return CODES.get(pairKeyOf(first, second));
}
