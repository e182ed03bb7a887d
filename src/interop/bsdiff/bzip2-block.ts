import type { BitReader } from "./bit-reader.ts";

/** Bytes of a block before its last step, for each level from 1 to 9. */
export const LEVEL_BYTES = 100_000;

const MAX_CODE_BITS = 20;
const GROUP_SYMBOLS = 50;
const MAX_SELECTORS = 2 + (9 * LEVEL_BYTES) / GROUP_SYMBOLS;

// Enough for a block of the highest level, all of whose codes have 20 bits, with its tables.
export const MAX_BLOCK_BYTES = 2_400_000;

const RUN_A = 0;
const RUN_B = 1;

/** A canonical prefix code. */
interface PrefixCode {
  readonly shortest: number;
  /** For each length the highest code, the bits that it lacks to 20 filled up with ones; −1 where there is none. */
  readonly highest: Int32Array;
  /** For each length what to add to a code to get its place in `symbols`. */
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
}

/** A block whose last step, the runs of four and more, is still to be undone. */
export interface Bzip2Block {
  /** Place of the first byte in `links`. */
  readonly start: number;
  readonly length: number;
}

/**
 * Decode a block up to its last step.
 *
 * @param links - is filled with a byte and, above its eight bits, the place of the next byte.
 */
export function decodeBlock(bits: BitReader, links: Uint32Array): Bzip2Block {
  if (bits.read(1) !== 0)
    throw bits.corrupt("expected no randomised block, which no program has made since 1997");
  const start = bits.read(24);
  const used = readUsedBytes(bits);
  const { codes, selectors } = readCodes(bits, used.length + 2);
  const counts = new Uint32Array(256);
  const length = readSymbols(bits, codes, selectors, used, links, counts);
  if (start >= length) throw bits.corrupt(`expected a start below ${length}, found ${start}`);
  sortLinks(links, length, counts);
  return { start: links[start]! >>> 8, length };
}

function readUsedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const ranges = bits.read(16);
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const mask = bits.read(16);
    for (let i = 0; i < 16; i++) if ((mask & (0x8000 >> i)) !== 0) used.push(range * 16 + i);
  }
  if (used.length === 0) throw bits.corrupt("a block uses no byte");
  return Uint8Array.from(used);
}

function readCodes(bits: BitReader, symbolCount: number): { codes: PrefixCode[]; selectors: Uint8Array } {
  const codeCount = bits.read(3);
  if (codeCount < 2 || codeCount > 6) throw bits.corrupt(`expected 2 to 6 codes, found ${codeCount}`);
  const selectorCount = bits.read(15);
  if (selectorCount === 0) throw bits.corrupt("a block has no selectors");
  // More than a block can use are allowed, and some programs write them.
  const selectors = new Uint8Array(Math.min(selectorCount, MAX_SELECTORS));
  const recent = Array.from({ length: codeCount }, (_, i) => i);
  for (let i = 0; i < selectorCount; i++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place === codeCount) throw bits.corrupt("a selector is too large");
    const [code] = recent.splice(place, 1);
    recent.unshift(code!);
    if (i < selectors.length) selectors[i] = code!;
  }
  return { codes: recent.map(() => readCode(bits, symbolCount)), selectors };
}

function readCode(bits: BitReader, symbolCount: number): PrefixCode {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw bits.corrupt(`a code has ${length} bits`);
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return makeCode(lengths);
}

function makeCode(lengths: Uint8Array): PrefixCode {
  const symbols = new Uint16Array(lengths.length);
  const highest = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const bases = new Int32Array(MAX_CODE_BITS + 1);
  let placed = 0;
  let next = 0;
  let shortest = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++, next *= 2) {
    const first = placed;
    lengths.forEach((own, symbol) => {
      if (own === length) symbols[placed++] = symbol;
    });
    bases[length] = first - next;
    next += placed - first;
    if (placed === first) continue;
    if (shortest === 0) shortest = length;
    highest[length] = next * 2 ** (MAX_CODE_BITS - length) - 1;
  }
  return { shortest, highest, bases, symbols };
}

function readSymbol(bits: BitReader, { shortest, highest, bases, symbols }: PrefixCode): number {
  const ahead = bits.peek(MAX_CODE_BITS);
  for (let length = shortest; length <= MAX_CODE_BITS; length++) {
    if (ahead > highest[length]!) continue;
    bits.skip(length);
    // Lengths that promise more codes than there can be give places behind the last one.
    return symbols[(ahead >>> (MAX_CODE_BITS - length)) + bases[length]!] ?? -1;
  }
  return -1;
}

/** Read the symbols of a block, and undo runs and move-to-front: the bytes go to `links`. */
function readSymbols(
  bits: BitReader,
  codes: readonly PrefixCode[],
  selectors: Uint8Array,
  used: Uint8Array,
  links: Uint32Array,
  counts: Uint32Array,
): number {
  const end = used.length + 1;
  const recent = used.slice();
  let length = 0;
  let run = 0;
  let runWeight = 1;
  for (const selector of selectors) {
    const code = codes[selector]!;
    for (let i = 0; i < GROUP_SYMBOLS; i++) {
      const symbol = readSymbol(bits, code);
      if (symbol < 0) throw bits.corrupt("expected a symbol, found bits that stand for none");
      if (symbol === RUN_A || symbol === RUN_B) {
        run += runWeight * (symbol + 1);
        runWeight *= 2;
        if (run > links.length) throw bits.corrupt("a run is longer than any block");
        continue;
      }
      if (run > 0) {
        if (run > links.length - length) throw bits.corrupt("a block is longer than its level allows");
        links.fill(recent[0]!, length, length + run);
        counts[recent[0]!]! += run;
        length += run;
        run = 0;
        runWeight = 1;
      }
      if (symbol === end) return length;
      const byte = recent[symbol - 1]!;
      recent.copyWithin(1, 0, symbol - 1);
      recent[0] = byte;
      if (length === links.length) throw bits.corrupt("a block is longer than its level allows");
      links[length++] = byte;
      counts[byte]!++;
    }
  }
  throw bits.corrupt("a block has more symbols than selectors for them");
}

/** Link each byte of the sorted block with the one that follows it in the text (Burrows and Wheeler, 1994). */
function sortLinks(links: Uint32Array, length: number, counts: Uint32Array): void {
  const places = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte++) places[byte] = places[byte - 1]! + counts[byte - 1]!;
  for (let i = 0; i < length; i++) {
    const byte = links[i]! & 0xff;
    const place = places[byte]!++;
    links[place] = (links[place]! & 0xff) | (i << 8);
  }
}
