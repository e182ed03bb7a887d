/**
 * A big image out of nothing: the same bytes on every machine, made faster than a disk writes them.
 *
 * @module
 */
import { createCipheriv, createHash } from "node:crypto";
import { open } from "node:fs/promises";

const SEGMENT_BYTES = 1 << 20;
const BLOCK_BYTES = 512;
const ZEROS = Buffer.alloc(SEGMENT_BYTES);
const LAYER_NAME = "layer.tar";

/** A piece of the one file in the image; no more than a segment long. */
interface Segment {
  bytes: number;
  /** Which random bytes; `undefined` for zeros, which become a hole. */
  seed: number | undefined;
}

/** The old or the new version of the big file. */
export type SyntheticVersion = "old" | "new";

/**
 * The file in segments: of four, two hold random bytes of their own, one zeros, one the bytes of a segment far before.
 * In the new version every 200th segment is another, and some odd bytes come in at a quarter, which move all that follow.
 */
function* planSegments(totalBytes: number, version: SyntheticVersion): Generator<Segment> {
  const count = Math.floor(totalBytes / SEGMENT_BYTES);
  for (let index = 0; index < count; index++) {
    if (version === "new" && index === Math.floor(count / 4)) yield { bytes: 4097, seed: 2 ** 31 };
    const changed = version === "new" && index % 200 === 100 ? 2 ** 30 : 0;
    const kind = index % 4;
    const seed = kind === 2 ? undefined : kind === 3 ? 4 * Math.floor(index / 8) : index + changed;
    yield { bytes: SEGMENT_BYTES, seed };
  }
}

/** Random bytes that depend on the seed alone: AES in counter mode, which runs at gigabytes a second. */
function makeBytes({ bytes, seed }: Segment): Buffer {
  if (seed === undefined) return ZEROS.subarray(0, bytes);
  const key = Buffer.alloc(16, 0x5a);
  const counter = Buffer.alloc(16);
  counter.writeUInt32BE(seed, 0);
  return createCipheriv("aes-128-ctr", key, counter).update(ZEROS.subarray(0, bytes));
}

/** A ustar header for a regular file of up to 8 GiB. */
function makeTarHeader(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

const padding = (bytes: number): number => (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;

/**
 * Write a docker-archive with one layer that holds one file of about `fileBytes` (a whole number of MiB, and 4097 bytes
 * more in the new version). Where the file system can, the zeros take no space.
 */
export async function writeSyntheticImage(
  path: string,
  fileBytes: number,
  version: SyntheticVersion,
): Promise<void> {
  let contentBytes = 0;
  for (const segment of planSegments(fileBytes, version)) contentBytes += segment.bytes;
  const layerBytes = BLOCK_BYTES + contentBytes + padding(contentBytes) + 2 * BLOCK_BYTES;

  const file = await open(path, "w");
  try {
    let position = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      await file.write(bytes, 0, bytes.length, position);
      position += bytes.length;
    };
    const digest = createHash("sha256");
    const writeLayer = async (bytes: Buffer, isHole = false): Promise<void> => {
      digest.update(bytes);
      if (isHole) position += bytes.length;
      else await write(bytes);
    };
    await write(makeTarHeader(LAYER_NAME, layerBytes));
    await writeLayer(makeTarHeader("data/big.bin", contentBytes));
    for (const segment of planSegments(fileBytes, version)) {
      await writeLayer(makeBytes(segment), segment.seed === undefined);
    }
    await writeLayer(Buffer.alloc(padding(contentBytes) + 2 * BLOCK_BYTES));
    position += padding(layerBytes);

    const config = {
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["/bin/true"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest.digest("hex")}`] },
    };
    const manifest = [{ Config: "config.json", RepoTags: [`synthetic:${version}`], Layers: [LAYER_NAME] }];
    for (const [name, value] of Object.entries({ "config.json": config, "manifest.json": manifest })) {
      const content = Buffer.from(JSON.stringify(value));
      await write(makeTarHeader(name, content.length));
      await write(Buffer.concat([content, Buffer.alloc(padding(content.length))]));
    }
    await write(Buffer.alloc(2 * BLOCK_BYTES));
  } finally {
    await file.close();
  }
}
