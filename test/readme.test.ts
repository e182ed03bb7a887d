/** The README's example is the API as it is: it runs as it stands there. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { flattenImage, openFileSource, readImage, verifyFlatImage } from "../src/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "flatdelta-test-"));
after(() => rmSync(folder, { recursive: true }));

function findExample(text: string, prefix: string): string {
  const found = /```ts\n(.*?)\n *\*? *```/su.exec(text)?.[1];
  assert.ok(found !== undefined, "an example was found");
  return found
    .split("\n")
    .map((line) =>
      line.startsWith(prefix) ? line.slice(prefix.length) : line.slice(prefix.trimEnd().length),
    )
    .join("\n");
}

const example = findExample(readFileSync(join(root, "README.md"), "utf8"), "");

test("the README's example makes the new image from the old one", async () => {
  assert.ok(example.split("\n").filter((line) => /^[^/]/u.test(line)).length <= 20, "at most twenty lines");
  const program = example.replace(`"flatdelta"`, JSON.stringify(join(root, "src/index.ts")));
  assert.notEqual(program, example);
  writeFileSync(join(folder, "example.mts"), program);
  // tsx is looked for from the folder that the program runs in.
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const name of ["old.tar", "new.tar"]) {
    copyFileSync(join(root, "fixtures/pair", name), join(folder, name));
  }
  const said = execFileSync(process.execPath, ["--import", "tsx", "example.mts"], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.match(said, /^[0-9]+ bytes instead of [0-9]+\n$/);

  const image = await readImage(join(folder, "new.tar"));
  const wanted = await flattenImage(image);
  const expected = (await (await wanted.index()).hashes).sha256;
  const result = await openFileSource(join(folder, "new.flat"));
  try {
    assert.deepEqual((await verifyFlatImage(result)).sha256, expected);
  } finally {
    await result.close();
    await image.close();
  }
});

test("the reference shows the same example", () => {
  assert.equal(findExample(readFileSync(join(root, "src/index.ts"), "utf8"), " * "), example);
});
