/** Ranges and conditions against a model, and the cases that RFC 9110 names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memorySource } from "../../src/io/index.ts";
import { Problem } from "../../src/serve/problem.ts";
import { type Selection, selectContent } from "../../src/serve/range.ts";
import { sendFile } from "../../src/serve/send.ts";
import { makeBytes } from "../support/pairs.ts";

const TAG = '"sha256:00"';
const select = (headers: Record<string, string>, size = 100): Selection | number => {
  try {
    return selectContent(new Headers(headers), TAG, size);
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error.status;
  }
};
const part = (offset: number, length: number): Selection => ({ kind: "part", offset, length });
const WHOLE: Selection = { kind: "whole" };
const UNCHANGED: Selection = { kind: "unchanged" };

test("ranges", () => {
  for (const [range, expected] of [
    ["bytes=0-0", part(0, 1)],
    ["bytes=0-", part(0, 100)],
    ["bytes=10-19", part(10, 10)],
    ["bytes=99-", part(99, 1)],
    ["bytes=90-1000", part(90, 10)],
    ["bytes=-1", part(99, 1)],
    ["bytes=-1000", part(0, 100)],
    ["BYTES= 5 - 6", part(5, 2)],
    ["bytes=100-", 416],
    ["bytes=100-200", 416],
    ["bytes=-0", 416],
    ["bytes=20-10", WHOLE],
    ["bytes=200-100", WHOLE],
    ["bytes=-", WHOLE],
    ["bytes=", WHOLE],
    ["bytes=a-b", WHOLE],
    ["bytes=0-1,5-6", WHOLE],
    ["bytes=0x0-1", WHOLE],
    ["bytes=1e1-", WHOLE],
    ["bytes=0-99999999999999999999", WHOLE],
    ["items=0-1", WHOLE],
    ["", WHOLE],
  ] as const) {
    assert.deepEqual(select({ range }), expected, range);
  }
});

test("conditions", () => {
  const range = "bytes=1-2";
  for (const [headers, expected] of [
    [{ "if-none-match": TAG }, UNCHANGED],
    [{ "if-none-match": `W/${TAG}` }, UNCHANGED],
    [{ "if-none-match": `"x", ${TAG}` }, UNCHANGED],
    [{ "if-none-match": "*" }, UNCHANGED],
    [{ "if-none-match": '"x"' }, WHOLE],
    [{ "if-none-match": TAG, range }, UNCHANGED],
    [{ "if-match": TAG, range }, part(1, 2)],
    [{ "if-match": "*" }, WHOLE],
    [{ "if-match": `W/${TAG}` }, 412],
    [{ "if-match": '"x"', "if-none-match": TAG }, 412],
    [{ "if-range": TAG, range }, part(1, 2)],
    [{ "if-range": '"x"', range }, WHOLE],
    [{ "if-range": `W/${TAG}`, range }, WHOLE],
    [{ "if-range": "Wed, 21 Oct 2015 07:28:00 GMT", range }, WHOLE],
    [{ "if-range": '"x"', range: "bytes=1000-" }, WHOLE],
    [{ "if-range": TAG }, WHOLE],
  ] as const) {
    assert.deepEqual(select(headers), expected, JSON.stringify(headers));
  }
});

test("whatever the headers say, nothing outside the content is selected", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(1000), (text, size) => {
      const headers = new Headers();
      // A header cannot carry every text.
      headers.set("range", `bytes=${text.replace(/[^\x20-\x7e]/gu, "")}`);
      try {
        const selected = selectContent(headers, TAG, size);
        if (selected.kind !== "part") return;
        assert.ok(selected.offset >= 0 && selected.length > 0 && selected.offset + selected.length <= size);
      } catch (error) {
        assert.ok(error instanceof Problem && error.status === 416);
      }
    }),
  );
});

test("any two numbers give the bytes between them, or 416", async () => {
  const bytes = makeBytes(200_000, 3);
  await fc.assert(
    fc.asyncProperty(fc.nat(250_000), fc.nat(250_000), async (first, last) => {
      let [opened, released, sent, finished] = [0, 0, 0, 0];
      const request = new Request("http://service/", { headers: { range: `bytes=${first}-${last}` } });
      const answer = sendFile(request, {
        digest: `sha256:${"ab".repeat(32)}`,
        sizeBytes: bytes.length,
        headers: {},
        open: async () => {
          opened++;
          return {
            source: { ...memorySource(bytes), close: async () => {} },
            release: async () => {
              released++;
            },
          };
        },
        onSent: (count, isLast) => {
          sent += count;
          if (isLast) finished++;
        },
      });
      if (first >= bytes.length && last >= first) {
        await assert.rejects(answer, (error) => error instanceof Problem && error.status === 416);
      } else {
        const response = await answer;
        const expected = last < first ? bytes : bytes.subarray(first, last + 1);
        assert.equal(response.status, last < first ? 200 : 206);
        assert.equal(response.headers.get("content-length"), String(expected.length));
        assert.equal(response.headers.has("content-digest"), last < first);
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(expected));
        assert.equal(sent, expected.length);
        assert.equal(finished, last < first || last >= bytes.length - 1 ? 1 : 0);
      }
      assert.equal(released, opened);
    }),
    { numRuns: 60 },
  );
});

test("an answer that is cancelled, or breaks, lets the file go", async () => {
  for (const isBroken of [false, true]) {
    let released = 0;
    const source = {
      size: 100_000,
      read: async () => {
        if (isBroken) throw new Error("broken disk");
      },
      close: async () => {},
    };
    const response = await sendFile(new Request("http://service/"), {
      ...{ digest: `sha256:${"00".repeat(32)}`, sizeBytes: source.size, headers: {} },
      open: async () => ({
        source,
        release: async () => {
          released++;
        },
      }),
      onSent: () => {},
    });
    if (isBroken) await assert.rejects(response.arrayBuffer(), /broken disk/);
    else await response.body!.cancel();
    assert.equal(released, 1);
  }
});
