import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { ErrorCode } from "../../src/errors.ts";
import { type Download, type DownloadOptions, openDownload } from "../../src/net/index.ts";
import { instantClock, startServer } from "../support/http-server.ts";

const FILE = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7) % 251));
const ETAG = '"v1"';

async function collect(download: Download): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of download) parts.push(piece.slice());
  return Buffer.concat(parts);
}

/** How a server sends one answer: it breaks off or stands still behind so many bytes, and may be wrong about them. */
interface Manners {
  file?: Buffer;
  breakAfter?: number;
  stallAfter?: number;
  ranges?: boolean;
  etag?: string;
  chunked?: boolean;
  headers?: Record<string, string>;
  status?: number;
}

function startOf(request: IncomingMessage, etag: string | undefined): number {
  const ifRange = request.headers["if-range"];
  if (ifRange !== undefined && ifRange !== etag) return 0;
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
}

function answer(request: IncomingMessage, response: ServerResponse, manners: Manners): void {
  const { file = FILE, ranges = true, etag = ETAG } = manners;
  const start = ranges ? startOf(request, etag) : 0;
  const body = file.subarray(start);
  const headers: Record<string, string> = etag === "" ? {} : { etag };
  if (!manners.chunked) headers["content-length"] = String(body.length);
  if (start > 0) headers["content-range"] = `bytes ${start}-${file.length - 1}/${file.length}`;
  let status = start > 0 ? 206 : 200;
  if (start > 0 && start >= file.length) {
    status = 416;
    headers["content-range"] = `bytes */${file.length}`;
  }
  response.writeHead(manners.status ?? status, { ...headers, ...manners.headers });
  const cut = manners.breakAfter ?? manners.stallAfter;
  if (cut === undefined || cut >= body.length) return void response.end(body);
  response.write(body.subarray(0, cut), () => {
    if (manners.breakAfter !== undefined) response.destroy();
  });
  if (cut === 0) response.flushHeaders();
}

/** A server that answers each request after the other manners, the last of them for ever. */
async function serve(context: TestContext, manners: readonly Manners[]) {
  const ranges: (string | undefined)[] = [];
  const { origin } = await startServer(context, (request, response) => {
    const now = manners[Math.min(ranges.length, manners.length - 1)]!;
    ranges.push(request.headers.range);
    answer(request, response, now);
  });
  const open = (options: DownloadOptions = {}) =>
    openDownload(`${origin}/file`, { clock: instantClock(), stallTimeoutMs: 5000, ...options });
  return { open, ranges };
}

test("a download has a size, a validator, and the bytes of the file", async (context) => {
  const { open, ranges } = await serve(context, [{}]);
  const download = await open({ expectedBytes: 1000 });
  assert.deepEqual([download.totalBytes, download.validator, download.offset], [1000, ETAG, 0]);
  assert.deepEqual(await collect(download), FILE);
  assert.deepEqual(ranges, [undefined]);
  await assert.rejects(collect(download), TypeError);
});

test("a download that broke off anywhere, any number of times, goes on where it was", async (context) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 4 }),
      fc.boolean(),
      async (cuts, chunked) => {
        const { open, ranges } = await serve(context, [
          ...cuts.map((breakAfter) => ({ breakAfter, chunked })),
          {},
        ]);
        const download = await open();
        assert.deepEqual(await collect(download), FILE);
        assert.equal(ranges.length, 1 + download.resumeCount);
        // A cut just where the file ends is none.
        assert.ok(download.resumeCount <= cuts.length);
      },
    ),
    { numRuns: 25 },
  );
});

test("progress earns new attempts; without it they are used up", async (context) => {
  const { open, ranges } = await serve(context, [{ breakAfter: 50 }]);
  const retry = { retries: 2 };
  assert.deepEqual(await collect(await open({ retry })), FILE);
  assert.equal(ranges.length, 20);
  const stuck = await serve(context, [{ breakAfter: 500 }, { breakAfter: 0 }]);
  const download = await stuck.open({ retry });
  await assert.rejects(collect(download), { code: ErrorCode.UNREACHABLE });
  assert.equal(stuck.ranges.length, 4 - 1);
});

test("a body that stands still is given up and asked for again", async (context) => {
  const { open } = await serve(context, [{ stallAfter: 300 }, {}]);
  const download = await open({ stallTimeoutMs: 100 });
  assert.deepEqual(await collect(download), FILE);
  assert.equal(download.resumeCount, 1);
});

test("from a server without ranges what is there is read again and dropped", async (context) => {
  for (const etag of [ETAG, ""]) {
    const { open, ranges } = await serve(context, [
      { breakAfter: 600, ranges: false, etag },
      { ranges: false, etag },
    ]);
    assert.deepEqual(await collect(await open()), FILE);
    assert.deepEqual(ranges, [undefined, "bytes=600-"]);
  }
  const never = await serve(context, [{ breakAfter: 600, ranges: false }]);
  await assert.rejects(collect(await never.open({ retry: { retries: 3 } })), { code: ErrorCode.UNREACHABLE });
  assert.equal(never.ranges.length, 4);
});

test("a part that the caller has is not sent again", async (context) => {
  const { open, ranges } = await serve(context, [{}]);
  for (const offset of [0, 1, 999]) {
    const download = await open({ offset, validator: ETAG });
    assert.equal(download.totalBytes, 1000);
    assert.deepEqual(await collect(download), FILE.subarray(offset));
  }
  assert.deepEqual(ranges, [undefined, "bytes=1-", "bytes=999-"]);
  const whole = await open({ offset: 1000, validator: ETAG });
  assert.equal(whole.totalBytes, 1000);
  assert.deepEqual(await collect(whole), Buffer.alloc(0));
  await assert.rejects(open({ offset: 1001, validator: ETAG }), { code: ErrorCode.BAD_RESPONSE });
  await assert.rejects(open({ offset: -1 }), RangeError);
});

test("another file behind the URL is SOURCE_CHANGED, and none of its bytes are given", async (context) => {
  const changed = { code: ErrorCode.SOURCE_CHANGED };
  const other = { file: Buffer.alloc(1000), etag: '"v2"' };
  const midway = await serve(context, [{ breakAfter: 10 }, other]);
  const download = await midway.open();
  const got: Uint8Array[] = [];
  await assert.rejects(async () => {
    for await (const piece of download) got.push(piece.slice());
  }, changed);
  assert.deepEqual(Buffer.concat(got), FILE.subarray(0, 10));
  const later = await serve(context, [other]);
  await assert.rejects(later.open({ offset: 10, validator: ETAG }), changed);
  const shorter = await serve(context, [
    { breakAfter: 10, etag: "" },
    { file: FILE.subarray(1), etag: "" },
  ]);
  await assert.rejects(collect(await shorter.open()), changed);
});

for (const [name, manners, code] of [
  ["another length than the caller expects", [{ file: FILE.subarray(1) }], ErrorCode.BAD_RESPONSE],
  [
    "more bytes than the caller expects",
    [{ file: Buffer.concat([FILE, FILE]), chunked: true }],
    ErrorCode.BAD_RESPONSE,
  ],
  [
    "another range than was asked for",
    [{ breakAfter: 10 }, { headers: { "content-range": "bytes 20-999/1000" } }],
    ErrorCode.BAD_RESPONSE,
  ],
  [
    "a range that cannot be read",
    [{ breakAfter: 10 }, { headers: { "content-range": "bytes 10-9999/1000" } }],
    ErrorCode.BAD_RESPONSE,
  ],
  ["a coded body", [{ headers: { "content-encoding": "x-other" } }], ErrorCode.BAD_RESPONSE],
  ["a success that is no file", [{ status: 203 }], ErrorCode.BAD_RESPONSE],
  ["an end before the end", [{ chunked: true, file: FILE.subarray(0, 700) }], ErrorCode.BAD_RESPONSE],
] as const) {
  test(`refused: ${name}`, async (context) => {
    const { open } = await serve(context, manners);
    let length = 0;
    await assert.rejects(
      async () => {
        for await (const piece of await open({ expectedBytes: 1000 })) length += piece.length;
      },
      { code },
    );
    assert.ok(length <= 1000);
  });
}

test("a server that sends parts of its own choice gives the whole in the end", async (context) => {
  const { origin, log } = await startServer(context, (request, response) => {
    const start = startOf(request, ETAG);
    const end = Math.min(start + 400, 1000);
    const range = {
      etag: ETAG,
      "content-range": `bytes ${start}-${end - 1}/1000`,
      "content-length": end - start,
    };
    response.writeHead(206, range);
    response.end(FILE.subarray(start, end));
  });
  assert.deepEqual(await collect(await openDownload(origin, { clock: instantClock() })), FILE);
  assert.equal(log.length, 3);
});

test("without any length the end of the body is the end", async (context) => {
  const { open } = await serve(context, [{ chunked: true }]);
  const download = await open();
  assert.equal(download.totalBytes, undefined);
  assert.deepEqual(await collect(download), FILE);
  assert.equal(download.totalBytes, 1000);
});

test("a consumer that leaves or aborts closes the connection; what is not read is not sent", async (context) => {
  let sentBytes = 0;
  const closed: Promise<void>[] = [];
  const { origin } = await startServer(context, (_, response) => {
    closed.push(new Promise((resolve) => void response.once("close", resolve)));
    const piece = Buffer.alloc(1 << 16);
    const more = (): void => {
      do sentBytes += piece.length;
      while (response.write(piece));
    };
    response.on("drain", more);
    more();
  });
  const left = await openDownload(origin);
  for await (const _ of left) break;
  const unread = await openDownload(origin);
  await unread.close();
  const controller = new AbortController();
  const reason = new Error("enough");
  const aborted = await openDownload(origin, { signal: controller.signal });
  await assert.rejects(async () => {
    for await (const _ of aborted) controller.abort(reason);
  }, reason);
  await Promise.all(closed);
  assert.equal(closed.length, 3);
  assert.ok(sentBytes < 100_000_000, `${sentBytes}`);
});
