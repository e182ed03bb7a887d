/** Limits that the command line sets. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { buildLayers, buildNewDockerArchive } from "../image/build-image.ts";
import { run, useFolder } from "./harness.ts";

const at = useFolder();

test("a target or image over the size that is named is refused by exit code 5, and one of that size is not", async () => {
  await writeFile(at("old.tar"), await buildNewDockerArchive((await buildLayers()).slice(0, 1)));
  await writeFile(at("new.tar"), await buildNewDockerArchive(await buildLayers(), true));
  const flatten = (size: string) =>
    run(["flatten", at("new.tar"), "-f", "-o", at("new.flat"), "--max-image-size", size]);
  const small = await flatten("1K");
  assert.equal(small.code, 5);
  assert.match(small.stderr, /SIZE_LIMIT/);
  assert.equal((await flatten("1M")).code, 0);
  assert.equal((await run(["delta", at("old.tar"), at("new.flat"), "-o", at("d")])).code, 0);
  for (const args of [
    ["patch", at("old.tar"), at("d"), "-o", at("out"), "-f"],
    ["inspect", at("d")],
    ["verify", at("d")],
  ]) {
    assert.equal((await run([...args, "--max-target-size", "1K"])).code, 5, args[0]);
    assert.equal((await run([...args, "--max-target-size", "1M"])).code, 0, args[0]);
    assert.equal((await run([...args, "--max-target-size", "large"])).code, 2, args[0]);
  }
});
