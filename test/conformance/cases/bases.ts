/** What the golden deltas are made against, and signatures made of. All of it is small, or can be said in few words. */
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../../src/bytes/index.ts";
import { flattenImage } from "../../../src/image/index.ts";
import { concatSources, memorySource, readRange, type Source, zeroSource } from "../../../src/io/index.ts";
import { file, folder, headerBlock, type RawEntry, rawTar, symlink } from "../../image/tar-builder.ts";
import { CONFIG, imageOfEntries } from "../../image/tree-lines.ts";
import { branch, inPage, page, USERS } from "../../support/a64.ts";
import { makeBytes } from "../../support/pairs.ts";

const LINE = "the quick brown fox jumps over the lazy dog\n";
export const TEXT = encodeUtf8(LINE + LINE);

/** Entries of a tar in the form of flat images. The first one's header takes every change of a HEADER op. */
export const TAR_ENTRIES: readonly RawEntry[] = [
  {
    ...file("usr/bin/tool", "content of a tool\n".repeat(40)),
    mtimeSeconds: 1_700_000_000,
    prefix: "opt",
    linkName: "to",
  },
  { ...file("usr/lib/one", "one"), mtimeSeconds: 1_700_000_001 },
  { ...symlink("usr/lib/two", "one"), mtimeSeconds: 5 },
];

/** Machine code in the small: calls whose distances are moved where they reach over `gapAt`. */
export function makeCode(calls: number, gapAt: number, gap: number): Uint8Array {
  const out = makeBytes(calls * 12, 3);
  const view = new DataView(out.buffer);
  for (let i = 0; i < calls; i++) {
    const to = (i * 7919) % (calls * 12);
    out[i * 12 + 4] = 0xe8;
    view.setInt32(i * 12 + 5, to - i * 12 + (to >= gapAt ? gap : 0), true);
  }
  return out;
}

/**
 * A64 code in the small: branches, addresses of pages with what is added to them, and others. What they refer to is `gap` bytes further on
 * where that is behind `gapAt`.
 */
export function makeArmCode(instructions: number, gapAt: number, gap: number): Uint8Array {
  const out = makeBytes(instructions * 4, 4);
  const view = new DataView(out.buffer);
  for (let i = 0; i + 4 <= instructions; i += 4) {
    const placeAt = (from: number): number => {
      const to = ((from % 160) * 7919 * 8) % 0x10_0000;
      return to + (to >= gapAt ? gap : 0);
    };
    view.setUint32(4 * i, branch(4 * i, placeAt(i) & ~3), true);
    const to = placeAt(i + 1);
    const register = i & 31;
    view.setUint32(4 * (i + 1), page(register, 4 * (i + 1), to), true);
    view.setUint32(4 * (i + 2), inPage(USERS[i % 8 === 0 ? 0 : 1], register, to), true);
  }
  return out;
}

const words = (seed: number, count: number): string =>
  Array.from(makeBytes(count, seed), (byte) => `word${byte % 97}${byte % 5 === 0 ? "\n" : " "}`).join("");

const entry = (made: RawEntry, mtimeSeconds: number): RawEntry => ({ ...made, mtimeSeconds });

const OLD_CONTENT = words(1, 500);

const OLD_ENTRIES: readonly RawEntry[] = [
  entry(folder("etc/"), 1_700_000_000),
  entry(file("etc/motd", "hello\n"), 1_700_000_000),
  entry(folder("usr/"), 1_700_000_000),
  entry(file("usr/app-1.0", OLD_CONTENT), 1_700_000_000),
  entry(file("usr/code", makeCode(100, 600, 0)), 1_700_000_000),
  entry(file("usr/same", words(2, 100)), 1_700_000_000),
];

/** A rebuilt image: other times, one file edited and renamed, one new, code that moved. */
const NEW_ENTRIES: readonly RawEntry[] = [
  entry(folder("etc/"), 1_700_086_400),
  entry(file("etc/motd", "hello again\n"), 1_700_090_000),
  entry(folder("usr/"), 1_700_086_400),
  entry(file("usr/app-1.1", OLD_CONTENT.replace("word5", "another")), 1_700_086_400),
  entry(file("usr/code", makeCode(100, 600, 48)), 1_700_086_400),
  entry(file("usr/new", words(9, 60)), 1_700_086_400),
  entry(file("usr/same", words(2, 100)), 1_700_086_400),
];

export const flatOf = (entries: readonly RawEntry[]) => flattenImage(imageOfEntries([entries], CONFIG));
export const oldImage = () => flatOf(OLD_ENTRIES);
export const newImage = () => flatOf(NEW_ENTRIES);

async function flatBytes(image: ReturnType<typeof flatOf>): Promise<Uint8Array> {
  const { source } = await image;
  return readRange(source, 0, source.size);
}

/** Bases that are files of their own, by name. */
export const FILE_BASES: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  empty: async () => EMPTY_BYTES,
  byte: async () => Uint8Array.of(0x61),
  text: async () => TEXT,
  tar: async () => rawTar(TAR_ENTRIES),
  "odd-headers": async () => oddHeaders(),
  code: async () => makeCode(200, 1200, 0),
  "arm-code": async () => makeArmCode(2000, 0x4_0000, 0),
  image: () => flatBytes(oldImage()),
};

/** Header blocks that are not quite those of flat images, one after another. */
function oddHeaders(): Uint8Array {
  const sound: RawEntry = { ...file("name", "x"), mtimeSeconds: 8 };
  const wrongSum = headerBlock(sound);
  wrongSum[150]! ^= 1;
  return concatBytes([
    wrongSum,
    headerBlock({ ...sound, edit: (block) => block.set(encodeUtf8("na\0me"), 0) }),
    headerBlock({ ...sound, edit: (block) => block.set(encodeUtf8("00000000010 "), 136) }),
    headerBlock({ ...sound, edit: (block) => block.set(encodeUtf8("0000000001 \0"), 124) }),
  ]);
}

/** A basis that is zeros but for some pieces. */
export interface SparseBasis {
  bytes: number;
  pieces: readonly { offset: number; text: string }[];
}

const PAST_32_BITS = 2 ** 32;

/** Bases that are recipes, by name. */
export const SPARSE_BASES: Readonly<Record<string, SparseBasis>> = {
  "past-32-bits": {
    bytes: PAST_32_BITS + 4096,
    pieces: [
      { offset: PAST_32_BITS - 6, text: "across 2^32" },
      { offset: PAST_32_BITS + 4090, text: "at end" },
    ],
  },
};

/** A sparse basis as a source. */
export function sparseSource({ bytes, pieces }: SparseBasis): Source {
  const parts: Source[] = [];
  let at = 0;
  for (const { offset, text } of pieces) {
    parts.push(zeroSource(offset - at), memorySource(encodeUtf8(text)));
    at = offset + text.length;
  }
  return concatSources([...parts, zeroSource(bytes - at)]);
}
