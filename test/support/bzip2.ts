/** A small bzip2 compressor: no effort, all that a decoder must understand. */

/** Writes bits, the most significant first. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;
  #count = 0;

  put(count: number, value: number): this {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.#bits = (this.#bits << 1) | (Math.floor(value / 2 ** bit) & 1);
      if (++this.#count === 8) {
        this.#bytes.push(this.#bits & 0xff);
        this.#bits = 0;
        this.#count = 0;
      }
    }
    return this;
  }

  end(): Uint8Array {
    while (this.#count > 0) this.put(1, 0);
    return Uint8Array.from(this.#bytes);
  }
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 || crc >= 2 ** 31 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return ~crc >>> 0;
}

/** Runs of four and more, as four bytes and a count. */
function shortenRuns(bytes: Uint8Array): number[] {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let run = 1;
    while (run < 255 && bytes[at + run] === bytes[at]) run++;
    for (let i = 0; i < Math.min(run, 4); i++) out.push(bytes[at]!);
    if (run >= 4) out.push(run - 4);
    at += run;
  }
  return out;
}

/** The last column of the sorted rotations, and the row of the text itself. */
function transform(text: readonly number[]): { column: number[]; row: number } {
  const rows = text.map((_, i) => i);
  const { length } = text;
  const twice = Buffer.alloc(2 * length + 2, Uint8Array.from(text));
  // Mostly the first bytes decide.
  const firstBytes = rows.map((row) => twice.readUInt32BE(row));
  const compareRotations = (a: number, b: number): number =>
    twice.compare(twice, b, b + length, a, a + length) || a - b;
  rows.sort((a, b) => firstBytes[a]! - firstBytes[b]! || compareRotations(a, b));
  return { column: rows.map((row) => text[(row + length - 1) % length]!), row: rows.indexOf(0) };
}

/** Move-to-front places, runs of the first as digits of base two. */
function toSymbols(column: readonly number[], used: readonly number[]): number[] {
  const recent = [...used];
  const symbols: number[] = [];
  let run = 0;
  const putRun = (): void => {
    for (; run > 0; run = (run - 1) >> 1) symbols.push((run - 1) & 1);
    run = 0;
  };
  for (const byte of column) {
    const place = recent.indexOf(byte);
    if (place === 0) run++;
    else {
      putRun();
      symbols.push(place + 1);
      recent.splice(place, 1);
      recent.unshift(byte);
    }
  }
  putRun();
  return [...symbols, used.length + 1];
}

/** What stands before the symbols of a block, with codes of equal length. @returns that length. */
export function putBlockHead(
  out: BitWriter,
  { crc, row, used, symbolCount }: { crc: number; row: number; used: readonly number[]; symbolCount: number },
): number {
  out.put(24, 0x314159).put(24, 0x265359).put(32, crc).put(1, 0).put(24, row);
  const has = (byte: number): boolean => used.includes(byte);
  const ranges = Array.from({ length: 16 }, (_, range) =>
    Array.from({ length: 16 }, (_, i) => range * 16 + i).some(has),
  );
  for (const isUsed of ranges) out.put(1, Number(isUsed));
  ranges.forEach((isUsed, range) => {
    if (isUsed) for (let i = 0; i < 16; i++) out.put(1, Number(has(range * 16 + i)));
  });
  const selectorCount = Math.max(1, Math.ceil(symbolCount / 50));
  out.put(3, 2).put(15, selectorCount);
  for (let i = 0; i < selectorCount; i++) out.put(1, 0);
  const bits = Math.max(1, Math.ceil(Math.log2(used.length + 2)));
  for (let code = 0; code < 2; code++) {
    out.put(5, bits);
    for (let symbol = 0; symbol < used.length + 2; symbol++) out.put(1, 0);
  }
  return bits;
}

/** Compress bytes as one stream of the smallest level, with blocks of `blockBytes`: sorting is naive, so keep them few. */
export function compressBzip2(bytes: Uint8Array, blockBytes = 4000): Uint8Array {
  const out = new BitWriter().put(24, 0x425a68).put(8, 0x31);
  let combined = 0;
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    const crc = crcOf(block);
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    const { column, row } = transform(shortenRuns(block));
    const used = [...new Set(column)].sort((a, b) => a - b);
    const symbols = toSymbols(column, used);
    const bits = putBlockHead(out, { crc, row, used, symbolCount: symbols.length });
    for (const symbol of symbols) out.put(bits, symbol);
  }
  return out.put(24, 0x177245).put(24, 0x385090).put(32, combined).end();
}
