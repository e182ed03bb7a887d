/** The example of the flat image's page. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fromHex, toHex } from "../../src/bytes/index.ts";
import { flattenImage } from "../../src/image/index.ts";
import { readRange } from "../../src/io/index.ts";
import { file, folder } from "./tar-builder.ts";
import { imageOfEntries } from "./tree-lines.ts";

const page = await readFile(new URL("../../src/image/FORMAT.md", import.meta.url), "utf8");

/** The header that the page shows in rows of an offset and sixteen bytes. */
function shownHeader(): Uint8Array {
  const header = new Uint8Array(512);
  const rows = /<!-- header -->\n```\n([^`]*)```/.exec(page)![1]!.trimEnd().split("\n");
  for (const row of rows) {
    const [, offset, bytes] = /^ *(\d+) {2}((?:[0-9a-f]{2} ){16})/.exec(row)!;
    header.set(fromHex(bytes!.replaceAll(" ", "")), Number(offset));
  }
  return header;
}

test("the example of the page is what flattening makes", async () => {
  const entries = [folder("etc/"), file("etc/motd", "hello\n")];
  const { source } = await flattenImage(imageOfEntries([entries], { architecture: "amd64", os: "linux" }));
  const rows = [...page.matchAll(/^\| the [^|]+ \| (\d+) \| (\d+) \| `([0-9a-f]{64})` \|$/gm)];
  assert.equal(rows.length, 3);
  for (const [row, at, bytes, sha256] of rows) {
    const part = await readRange(source, Number(at), Number(bytes));
    assert.equal(createHash("sha256").update(part).digest("hex"), sha256, row);
  }
  assert.equal(source.size, Number(rows[2]![2]));
  const header = await readRange(source, Number(rows[1]![1]) + 512, 512);
  assert.equal(toHex(header), toHex(shownHeader()));
});
