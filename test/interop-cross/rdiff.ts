/** Our signatures, deltas and patches against those of rdiff, in both directions. */
import { writeFile } from "node:fs/promises";
import {
  applyRdiffDelta,
  createRdiffDelta,
  readRdiffSignature,
  writeRdiffSignature,
} from "../../src/interop/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { type CrossCase, type CrossCheck, compare, pick, readBytes, runProgram } from "./check.ts";

function chooseOptions(random: () => number) {
  return {
    weakHash: pick(random, ["rollsum", "rabinkarp"] as const),
    strongHash: pick(random, ["md4", "blake2b"] as const),
    blockBytes: pick(random, [undefined, 1, 2, 7, 16, 64, 100, 512, 1000, 2048, 70_000]),
    // Shorter ones may collide by chance, in rdiff as here.
    strongBytes: pick(random, [undefined, "min" as const, 8, 13, 16]),
  };
}

async function checkCase({ basis, target, random, path }: CrossCase): Promise<string[]> {
  const options = chooseOptions(random);
  const { weakHash, strongHash, blockBytes, strongBytes } = options;
  const differences: string[] = [];
  const signature = memorySink();
  await writeRdiffSignature(basis, signature, options);
  runProgram(
    "rdiff",
    ...["-R", weakHash, "-H", strongHash === "md4" ? "md4" : "blake2"],
    ...["-b", String(blockBytes ?? 0), "-S", String(strongBytes === "min" ? -1 : (strongBytes ?? 0))],
    ...["signature", path("basis"), path("signature")],
  );
  differences.push(...compare("signature", signature.bytes(), await readBytes(path("signature"))));

  runProgram("rdiff", "delta", path("signature"), path("target"), path("their-delta"));
  const made = memorySink();
  await applyRdiffDelta(memorySource(basis), await readBytes(path("their-delta")), made);
  differences.push(...compare("our patch of their delta", made.bytes(), target));

  const read = await readRdiffSignature(signature.bytes());
  for (const [name, from] of [
    ["signature", read],
    ["basis", memorySource(basis)],
  ] as const) {
    const delta = memorySink();
    await createRdiffDelta(from, memorySource(target), delta);
    await writeFile(path(`our-delta-${name}`), delta.bytes());
    runProgram("rdiff", "patch", path("basis"), path(`our-delta-${name}`), path(`target-${name}`));
    const patched = await readBytes(path(`target-${name}`));
    differences.push(...compare(`their patch of our delta from the ${name}`, patched, target));
    const again = memorySink();
    await applyRdiffDelta(memorySource(basis), delta.bytes(), again);
    differences.push(...compare(`our patch of our delta from the ${name}`, again.bytes(), target));
  }
  return differences.map((difference) => `${difference} (${JSON.stringify(options)})`);
}

/** librsync's formats against rdiff. */
export const rdiff: CrossCheck = { programs: ["rdiff"], check: checkCase };
