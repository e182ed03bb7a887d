/** Makes checksums fit after bytes were changed. What is no such file comes back as it was. */
import { DELTA_MAGIC, shortenChecksum } from "../../../src/delta/index.ts";
import { loadHash64 } from "../../../src/hash/index.ts";
import { HEADER_FILE_BYTES } from "../../../src/signature/format.ts";
import { fixChecksum } from "../../image/tar-builder.ts";

const { hash } = await loadHash64();

function putU32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
}

/** The checksums of a delta's header and of the whole file. */
export async function repairDelta(input: Uint8Array): Promise<Uint8Array> {
  const bytes = input.slice();
  let at = DELTA_MAGIC.length + 1;
  let length = 0;
  for (let scale = 1; at < bytes.length; scale *= 0x80) {
    length += (bytes[at]! & 0x7f) * scale;
    if (bytes[at++]! < 0x80 || scale > 2 ** 21) break;
  }
  const end = at + length;
  if (end + 4 <= bytes.length) putU32(bytes, end, shortenChecksum(hash(bytes.subarray(0, end))));
  if (bytes.length >= end + 8) {
    const last = bytes.length - 4;
    putU32(bytes, last, shortenChecksum(hash(bytes.subarray(0, last))));
  }
  return bytes;
}

/** The checksums of a signature's header and of the whole file. */
export async function repairSignature(input: Uint8Array): Promise<Uint8Array> {
  const bytes = input.slice();
  const view = new DataView(bytes.buffer);
  for (const end of [HEADER_FILE_BYTES, bytes.length]) {
    if (end < 8 || end > bytes.length) continue;
    view.setBigUint64(end - 8, hash(bytes.subarray(0, end - 8)), true);
  }
  return bytes;
}

/** The checksums of all blocks that look like tar headers. */
export async function repairTar(input: Uint8Array): Promise<Uint8Array> {
  const bytes = input.slice();
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (Buffer.from(block.subarray(257, 262)).toString("latin1") === "ustar") fixChecksum(block);
  }
  return bytes;
}
