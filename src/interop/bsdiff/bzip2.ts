import type { ByteStream } from "../../io/index.ts";
import { BitReader } from "./bit-reader.ts";
import { type Bzip2Block, decodeBlock, LEVEL_BYTES, MAX_BLOCK_BYTES } from "./bzip2-block.ts";

const OUTPUT_BYTES = 1 << 16;

// The digits of pi and of its square root.
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** A run of so many equal bytes has a byte behind it that tells how many more there are. */
const RUN_BYTES = 4;

/**
 * Decompress one bzip2 stream, in pieces that are valid until the next one is asked for.
 *
 * All checksums are checked. Memory: 3.6 MB for a block, at most 5 MB of compressed bytes, and one piece, whatever the block
 * decompresses to, which may be 46 MB.
 *
 * @param what - names the stream in errors.
 * @throws {@link FormatError} `TRUNCATED`, `CORRUPT_BODY`, `TRAILING_DATA` when something is behind the stream's end.
 */
export async function* decompressBzip2(
  pieces: ByteStream,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bits = new BitReader(pieces, what);
  try {
    await bits.fill(MAX_BLOCK_BYTES);
    if (bits.read(24) !== 0x425a68) throw bits.corrupt("it does not begin with BZh");
    const level = bits.read(8) - 0x30;
    if (level < 1 || level > 9) throw bits.corrupt(`expected a level from 1 to 9, found ${level}`);
    const links = new Uint32Array(level * LEVEL_BYTES);
    const output = new Uint8Array(OUTPUT_BYTES);
    let combined = 0;
    for (;;) {
      await bits.fill(MAX_BLOCK_BYTES);
      const magic = [bits.read(24), bits.read(24)];
      const expected = bits.readUint32();
      if (isMagic(magic, END_MAGIC)) {
        if (expected !== combined) throw bits.corrupt("the checksum of the whole is wrong");
        break;
      }
      if (!isMagic(magic, BLOCK_MAGIC)) throw bits.corrupt("expected a block or the end, found neither");
      const found = yield* expandRuns(decodeBlock(bits, links), links, output);
      if (found !== expected) throw bits.corrupt("the checksum of a block is wrong");
      combined = (((combined << 1) | (combined >>> 31)) ^ found) >>> 0;
    }
    if (!(await bits.endsHere())) throw bits.trailing();
  } finally {
    await bits.close();
  }
}

function isMagic(found: readonly number[], magic: readonly [number, number]): boolean {
  return found[0] === magic[0] && found[1] === magic[1];
}

/**
 * Follow the links of a block and undo its last step.
 *
 * @returns the checksum of the bytes.
 */
function* expandRuns(
  { start, length }: Bzip2Block,
  links: Uint32Array,
  output: Uint8Array,
): Generator<Uint8Array, number, undefined> {
  let crc = -1;
  let filled = 0;
  let place = start;
  let last = -1;
  let equal = 0;
  for (let done = 0; done < length; done++) {
    const link = links[place]!;
    place = link >>> 8;
    let byte = link & 0xff;
    let times = 1;
    if (equal === RUN_BYTES) {
      times = byte;
      byte = last;
      equal = 0;
      last = -1;
    } else {
      equal = byte === last ? equal + 1 : 1;
      last = byte;
    }
    for (; times > 0; times--) {
      crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!;
      output[filled++] = byte;
      if (filled === OUTPUT_BYTES) {
        yield output;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield output.subarray(0, filled);
  return ~crc >>> 0;
}
