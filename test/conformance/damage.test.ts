/** Whatever is damaged in a golden file, a coded error says so. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { BasisFiles } from "./basis-files.ts";
import { isLarge, readManifest } from "./golden.ts";
import { codeOf, readGolden, readWith } from "./read-golden.ts";

/** So many bytes of each file get a flipped bit, and so many lengths are tried, spread over the file. */
const PLACES = Number(process.env.FLATDELTA_DAMAGE ?? 8);

const manifest = await readManifest();
const bases = await BasisFiles.open(manifest);
after(() => bases.close());

const placesIn = (length: number): number[] => {
  const places = Math.min(PLACES, length);
  return Array.from({ length: places }, (_, i) => Math.floor(((i + 0.5) * length) / places));
};

describe("damaged golden files", () => {
  for (const entry of manifest.files.filter((each) => each.code === undefined && !isLarge(each, manifest))) {
    test(entry.path, async () => {
      const file = await readGolden(entry);
      const basis = await bases.pathOf(entry.basis);
      if ((await codeOf(readWith(entry, basis, file))) === "UNSUPPORTED_CODEC") return;
      for (const at of placesIn(file.length)) {
        const damaged = file.slice();
        damaged[at]! ^= 1 << (at % 8);
        assert.notEqual(
          await codeOf(readWith(entry, basis, damaged)),
          undefined,
          `a flipped bit of byte ${at}`,
        );
        const cut = file.subarray(0, at);
        assert.equal(await codeOf(readWith(entry, basis, cut)), "TRUNCATED", `only ${at} bytes`);
      }
    });
  }
});
