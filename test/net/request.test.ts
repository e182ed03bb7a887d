import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { ErrorCode, NetworkError } from "../../src/errors.ts";
import {
  Backoff,
  cancelBody,
  parseRetryAfter,
  readBytes,
  readJson,
  readText,
  requestBytes,
  sendRequest,
} from "../../src/net/index.ts";
import { instantClock, readBody, startServer } from "../support/http-server.ts";

const noRetry = { retry: { retries: 0 } };

for (const [status, code, isRetryable] of [
  [400, "HTTP_STATUS", false],
  [401, "UNAUTHORIZED", false],
  [403, "UNAUTHORIZED", false],
  [404, "NOT_FOUND", false],
  [408, "TIMEOUT", true],
  [410, "NOT_FOUND", false],
  [416, "HTTP_STATUS", false],
  [429, "TOO_MANY_REQUESTS", true],
  [500, "HTTP_STATUS", true],
  [501, "HTTP_STATUS", false],
  [502, "HTTP_STATUS", true],
  [503, "HTTP_STATUS", true],
  [504, "HTTP_STATUS", true],
  [304, "HTTP_STATUS", false],
] as const) {
  test(`status ${status} is ${code}, asked for ${isRetryable ? "three times" : "once"}`, async (context) => {
    const { origin, log } = await startServer(context, (_, response) => {
      response.writeHead(status, status === 304 ? {} : { "content-type": "application/json" });
      response.end(status === 304 ? undefined : '{"message":"so it is"}');
    });
    const clock = instantClock();
    const told: number[] = [];
    const onRetry = (_: unknown, attempt: number) => told.push(attempt);
    await assert.rejects(
      sendRequest(`${origin}/x?token=secret`, { clock, retry: { retries: 2 }, onRetry }),
      (error) => {
        assert.ok(error instanceof NetworkError);
        assert.deepEqual([error.code, error.status, error.isRetryable], [code, status, isRetryable]);
        assert.equal(error.path, `${origin}/x`);
        assert.doesNotMatch(error.message, /secret/);
        if (status !== 304) assert.match(error.message, /so it is/);
        return true;
      },
    );
    assert.equal(log.length, isRetryable ? 3 : 1);
    assert.deepEqual(told, isRetryable ? [1, 2] : []);
  });
}

test("a request succeeds when an attempt does", async (context) => {
  let count = 0;
  const { origin } = await startServer(context, (_, response) => {
    response.statusCode = ++count < 3 ? 503 : 200;
    response.end("done");
  });
  const response = await sendRequest(origin, { clock: instantClock() });
  assert.equal(await readText(response, { limitBytes: 10 }), "done");
});

test("an answer that says that it is not ready is one error, with the wait that the server asks for", async (context) => {
  const { origin, log } = await startServer(context, (_, response) => {
    response.writeHead(202, { "retry-after": "7" });
    response.end();
  });
  await assert.rejects(sendRequest(origin, { notReady: [202, 502, 504], ...noRetry }), {
    code: ErrorCode.NOT_READY,
    status: 202,
    isRetryable: true,
    retryAfterMs: 7000,
  });
  assert.equal(log.length, 1);
  await cancelBody(await sendRequest(origin));
});

test("what may have been carried out is not asked for twice, unless the caller says that it may be", async (context) => {
  let status = 500;
  const { origin, log } = await startServer(context, async (request, response) => {
    await readBody(request);
    response.statusCode = status;
    response.end();
  });
  const options = { method: "POST", body: "x", clock: instantClock(), retry: { retries: 1 } };
  await assert.rejects(sendRequest(origin, options), { code: ErrorCode.HTTP_STATUS });
  assert.equal(log.length, 1);
  status = 503;
  await assert.rejects(sendRequest(origin, options), { code: ErrorCode.HTTP_STATUS });
  assert.equal(log.length, 3);
  status = 500;
  await assert.rejects(sendRequest(origin, { ...options, isIdempotent: true }), { status: 500 });
  assert.equal(log.length, 5);
});

test("a server that is not there is UNREACHABLE, and tried again", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const clock = instantClock();
  await assert.rejects(sendRequest(`http://127.0.0.1:${port}/`, { clock, retry: { retries: 3 } }), {
    code: ErrorCode.UNREACHABLE,
    isRetryable: true,
    message: /ECONNREFUSED/,
  });
  assert.deepEqual(clock.delaysMs, [500, 1000, 2000]);
});

test("an answer that does not come is a TIMEOUT", async (context) => {
  const { origin, log } = await startServer(context, () => {});
  await assert.rejects(
    sendRequest(origin, { headersTimeoutMs: 300, clock: instantClock(), retry: { retries: 1 } }),
    { code: ErrorCode.TIMEOUT, message: /within 300 ms/ },
  );
  assert.equal(log.length, 2);
});

test("a body that stands still is a TIMEOUT, and is asked for again when it is wanted whole", async (context) => {
  let count = 0;
  const { origin } = await startServer(context, (_, response) => {
    response.writeHead(200, { "content-length": "4" });
    response.write("ab");
    if (++count > 1) response.end("cd");
  });
  const options = { stallTimeoutMs: 100, limitBytes: 10, clock: instantClock() };
  const { bytes } = await requestBytes(origin, options);
  assert.equal(Buffer.from(bytes).toString(), "abcd");
  count = 0;
  const response = await sendRequest(origin);
  await assert.rejects(readBytes(response, options), { code: ErrorCode.TIMEOUT, isRetryable: true });
});

test("a body that breaks off is UNREACHABLE", async (context) => {
  const { origin } = await startServer(context, (_, response) => {
    response.writeHead(200, { "content-length": "4" });
    response.write("ab", () => response.destroy());
  });
  await assert.rejects(requestBytes(origin, { limitBytes: 10, ...noRetry }), {
    code: ErrorCode.UNREACHABLE,
    isRetryable: true,
  });
});

test("a body over the limit stops at once, however long it claims to be or is", async (context) => {
  const { origin, log } = await startServer(context, (_, response) => {
    const more = (): void => {
      while (response.write("x".repeat(1000)));
      response.once("drain", more);
    };
    more();
  });
  await assert.rejects(requestBytes(origin, { limitBytes: 1_000_000 }), { code: ErrorCode.SIZE_LIMIT });
  assert.equal(log.length, 1);
});

test("text and JSON are what they say, or BAD_RESPONSE", async (context) => {
  const bodies: Record<string, string | Buffer> = {
    "/json": '{"a":1}',
    "/not-json": "{",
    "/not-utf8": Buffer.of(0xff),
  };
  const { origin } = await startServer(
    context,
    (request, response) => void response.end(bodies[request.url!]),
  );
  const limits = { limitBytes: 100 };
  assert.deepEqual(await readJson(await sendRequest(`${origin}/json`), limits), { a: 1 });
  const bad = { code: ErrorCode.BAD_RESPONSE, isRetryable: false };
  await assert.rejects(readJson(await sendRequest(`${origin}/not-json`), limits), bad);
  await assert.rejects(readText(await sendRequest(`${origin}/not-utf8`), limits), bad);
});

test("an abort ends a request, a body and a wait with its own reason", async (context) => {
  const reason = new Error("enough");
  const { origin } = await startServer(context, (request, response) => {
    if (request.url === "/body") response.write("x");
    else if (request.url === "/busy") {
      response.statusCode = 503;
      response.end();
    }
  });
  const stop = () => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort(reason) };
  };
  const asking = stop();
  const request = sendRequest(`${origin}/never`, asking);
  asking.abort();
  await assert.rejects(request, reason);
  const reading = stop();
  const body = readBytes(await sendRequest(`${origin}/body`, reading), { ...reading, limitBytes: 9 });
  reading.abort();
  await assert.rejects(body, reason);
  const waiting = stop();
  await assert.rejects(
    sendRequest(`${origin}/busy`, {
      ...waiting,
      retry: { firstDelayMs: 60_000, jitter: 0 },
      onRetry: waiting.abort,
    }),
    reason,
  );
  await assert.rejects(sendRequest(origin, { signal: AbortSignal.abort(reason) }), reason);
});

test("credentials follow a redirect inside an origin, and to no other", async (context) => {
  const other = await startServer(context, (request, response) => {
    response.end(
      JSON.stringify({ authorization: request.headers.authorization, accept: request.headers.accept }),
    );
  });
  const { origin, log } = await startServer(context, (request, response) => {
    const target = request.url === "/a" ? "/b" : `${other.origin}/c`;
    assert.equal(request.headers.authorization, "Bearer secret");
    response.writeHead(307, { location: target });
    response.end();
  });
  const headers = { Authorization: "Bearer secret", Accept: "text/x" };
  const response = await sendRequest(`${origin}/a`, { headers });
  assert.deepEqual(await readJson(response, { limitBytes: 1000 }), { accept: "text/x" });
  assert.deepEqual(log, ["GET /a", "GET /b"]);
});

test("a redirect keeps the method and the body by 307, fetches by 303, and may not run in circles", async (context) => {
  const { origin, log } = await startServer(context, async (request, response) => {
    const body = (await readBody(request)).toString();
    const [, status, where] = request.url!.split("/");
    if (status === "end") return void response.end(body);
    response.writeHead(Number(status), { location: where === "circle" ? request.url! : "/end" });
    response.end();
  });
  const post = { method: "POST", body: "data" };
  assert.equal(await readText(await sendRequest(`${origin}/307`, post), { limitBytes: 9 }), "data");
  assert.equal(await readText(await sendRequest(`${origin}/303`, post), { limitBytes: 9 }), "");
  assert.deepEqual(log, ["POST /307", "POST /end", "POST /303", "GET /end"]);
  await assert.rejects(sendRequest(`${origin}/302/circle`), {
    code: ErrorCode.BAD_RESPONSE,
    message: /10 redirects/,
  });
});

test("a redirect leads to http and https only, and never from https to http", async () => {
  for (const [from, to] of [
    ["http://a.example/", "file:///etc/passwd"],
    ["https://a.example/", "http://a.example/"],
    ["https://a.example/", "http://["],
  ] as const) {
    const fetch = async () => new Response(null, { status: 302, headers: { location: to } });
    await assert.rejects(sendRequest(from, { fetch }), { code: ErrorCode.BAD_RESPONSE });
  }
});

test("wrong arguments are TypeErrors and RangeErrors", async () => {
  await assert.rejects(sendRequest("no url"), TypeError);
  await assert.rejects(sendRequest("ftp://a.example/"), TypeError);
  await assert.rejects(sendRequest("https://user:secret@a.example/"), (error: Error) => {
    assert.doesNotMatch(error.message, /secret/);
    return error instanceof TypeError;
  });
  for (const retry of [{ retries: -1 }, { jitter: 2 }, { firstDelayMs: Number.NaN }]) {
    assert.throws(() => new Backoff({ retry }), RangeError);
  }
});

test("waits double up to the longest one, chance makes them shorter, and success begins anew", async () => {
  const error = new NetworkError(ErrorCode.UNREACHABLE, "gone", { isRetryable: true });
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(12), async (chance, retries) => {
      const clock = instantClock(chance);
      const backoff = new Backoff({ clock, retry: { retries, firstDelayMs: 100, maxDelayMs: 5000 } });
      for (let i = 0; i < retries; i++) await backoff.waitAfter(error);
      await assert.rejects(backoff.waitAfter(error), error);
      const longest = Array.from({ length: retries }, (_, i) => Math.min(5000, 100 * 2 ** i));
      assert.deepEqual(
        clock.delaysMs,
        longest.map((delayMs) => delayMs * (1 - chance)),
      );
      backoff.reset();
      if (retries > 0) await backoff.waitAfter(error);
    }),
    { numRuns: 50 },
  );
});

test("a server's Retry-After is kept to, and a longer one than is allowed ends the attempts", async () => {
  const after = (retryAfterMs: number) =>
    new NetworkError(ErrorCode.TOO_MANY_REQUESTS, "busy", { isRetryable: true, retryAfterMs });
  const clock = instantClock(0.5);
  const backoff = new Backoff({ clock, retry: { firstDelayMs: 100, maxRetryAfterMs: 10_000 } });
  await backoff.waitAfter(after(7000));
  assert.deepEqual(clock.delaysMs, [7050]);
  await assert.rejects(backoff.waitAfter(after(10_001)), { retryAfterMs: 10_001 });
});

test("Retry-After is seconds or a date, measured by the server's own clock where it tells", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  const at = (seconds: number) => new Date(now + seconds * 1000).toUTCString();
  const parse = (headers: Record<string, string>) => parseRetryAfter(new Headers(headers), now);
  assert.equal(parse({ "retry-after": "120" }), 120_000);
  assert.equal(parse({ "retry-after": at(30) }), 30_000);
  assert.equal(parse({ "retry-after": at(30), date: at(10) }), 20_000);
  assert.equal(parse({ "retry-after": at(-30) }), 0);
  for (const text of ["soon", "-1", "1e9", "99999999999"])
    assert.equal(parse({ "retry-after": text }), undefined, text);
  assert.equal(parse({}), undefined);
});
