/** Our VCDIFF files and what we make of xdelta3's, against xdelta3. */
import { writeFile } from "node:fs/promises";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { applyVcdiff, createVcdiff } from "../../src/interop/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { type CrossCase, type CrossCheck, compare, pick, readBytes, runProgram } from "./check.ts";

async function checkTheirs({ basis, target, random, path }: CrossCase): Promise<string[]> {
  const options = [
    ...pick(random, [[], ["-n"]]),
    ...pick(random, [[], ["-A="], ["-A=any text"]]),
    ...pick(random, [[], ["-0"], ["-1"], ["-6"], ["-9"]]),
    ...pick(random, [[], ["-W", "16384"], ["-W", "50000"]]),
    ...pick(random, [
      [],
      ["-s", path("basis")],
      ["-s", path("basis")],
      ["-s", path("basis"), "-B", "524288"],
    ]),
  ];
  runProgram("xdelta3", "-e", "-S", "none", ...options, path("target"), path("their-delta"));
  const made = memorySink();
  await applyVcdiff(memorySource(basis), await readBytes(path("their-delta")), made);
  return compare(`our patch of their delta (${options.join(" ")})`, made.bytes(), target);
}

async function checkOurs({ basis, target, random, path }: CrossCase): Promise<string[]> {
  const windowBytes = pick(random, [undefined, 500, 4000, 16_384, 2 ** 24]);
  const applicationHeader = pick(random, [undefined, encodeUtf8("any text")]);
  const delta = memorySink();
  await createVcdiff(memorySource(basis), memorySource(target), delta, { windowBytes, applicationHeader });
  const what = `our delta with windows of ${windowBytes ?? "our choice"}`;
  const again = memorySink();
  await applyVcdiff(memorySource(basis), delta.bytes(), again);
  await writeFile(path("our-delta"), delta.bytes());
  runProgram("xdelta3", "-d", "-s", path("basis"), path("our-delta"), path("their-target"));
  return [
    ...compare(`our patch of ${what}`, again.bytes(), target),
    ...compare(`their patch of ${what}`, await readBytes(path("their-target")), target),
  ];
}

/** VCDIFF against xdelta3. */
export const vcdiff: CrossCheck = {
  programs: ["xdelta3"],
  check: async (crossCase) => [...(await checkTheirs(crossCase)), ...(await checkOurs(crossCase))],
};
