/** Limits that the command line sets. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { concatBytes } from "../../src/bytes/index.ts";
import { buildLayers, buildNewDockerArchive, buildTar, json } from "../image/build-image.ts";
import { file, rawEntry } from "../image/tar-builder.ts";
import { finish, run, start, useFolder } from "./harness.ts";

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

test("a small image of many long names ends by a limit, not for want of memory", async () => {
  const entry = rawEntry(file("x", "", { pax: { path: "p".repeat(60_000) } }));
  const piece = gzipSync(concatBytes(Array.from({ length: 100 }, () => entry)));
  // 330 MB of names, over the limit of 256 MiB, in well under a megabyte.
  const layer = concatBytes(Array.from({ length: 55 }, () => piece));
  assert.ok(layer.length < 2 ** 20);
  const config = json({ rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } });
  const archive = await buildTar([
    ["manifest.json", json([{ Config: "config.json", Layers: ["layer.tar.gz"] }])],
    ["config.json", config],
    ["layer.tar.gz", layer],
  ]);
  await writeFile(at("bomb.tar"), archive);
  const environment = { NODE_OPTIONS: "--max-old-space-size=600" };
  const { code, stderr } = await finish(start(["flatten", at("bomb.tar"), "-o", at("flat")], environment));
  assert.match(stderr, /maxNameBytes.*MEMORY_LIMIT/);
  assert.equal(code, 5);
});
