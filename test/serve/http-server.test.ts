/** The service over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { type HttpServer, type RequestLogEntry, serveHttp } from "../../src/serve/node.ts";
import {
  createSite,
  deltaPath,
  type OpenService,
  openService,
  READ_TOKEN,
  type Site,
  tick,
  WRITE_TOKEN,
} from "./fixture.ts";

let site: Site;
let open: OpenService;
let server: HttpServer;
const log: RequestLogEntry[] = [];
before(async () => {
  site = await createSite([1, 2]);
  open = await openService(site, {
    tokens: [
      { token: WRITE_TOKEN, right: "write" },
      { token: READ_TOKEN, right: "read" },
    ],
  });
  server = await serveHttp(open.service, { port: 0, onRequest: (entry) => log.push(entry) });
});
after(async () => {
  await server.close();
  await site.remove();
});

const authorization = `Bearer ${WRITE_TOKEN}`;

/** Send bytes as they are and collect what comes back until the server closes. */
async function exchange(text: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1").on("data", (piece: string) => {
    answer += piece;
  });
  // A server that has read enough may reset the connection.
  socket.on("error", () => {});
  socket.write(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

test("announce, ask, wait, download with a range, all by fetch", async () => {
  for (const version of [1, 2]) {
    const posted = await fetch(`${server.url}/v1/releases`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ app: "app", version: `v${version}`, image: `v${version}.tar` }),
    });
    assert.equal(posted.status, 202);
    await open.announce(version);
  }
  const url = server.url + deltaPath("app:v1", "app:v2");
  let response = await fetch(url, { headers: { authorization } });
  while (response.status === 202) {
    await response.body?.cancel();
    await tick();
    response = await fetch(url, { headers: { authorization } });
  }
  assert.equal(response.status, 200);
  const delta = Buffer.from(await response.arrayBuffer());
  assert.equal(response.headers.get("content-length"), String(delta.length));
  const rest = await fetch(url, {
    headers: { authorization, range: "bytes=100-", "if-range": response.headers.get("etag")! },
  });
  assert.equal(rest.status, 206);
  assert.equal(rest.headers.get("content-range"), `bytes 100-${delta.length - 1}/${delta.length}`);
  assert.deepEqual(Buffer.from(await rest.arrayBuffer()), delta.subarray(100));
  const head = await fetch(url, { method: "HEAD", headers: { authorization } });
  assert.equal(head.headers.get("content-length"), String(delta.length));
  // The redirect of balena's form is followed, with the token, since it leads to the same service.
  const balena = await fetch(server.url + deltaPath("app:v1", "app:v2", "/api/v2/delta"), {
    headers: { authorization },
  });
  assert.ok(balena.redirected);
  assert.deepEqual(Buffer.from(await balena.arrayBuffer()), delta);
  assert.equal((await fetch(url)).status, 401);
  const entry = log.find(({ status, method }) => status === 206 && method === "GET")!;
  assert.equal(entry.sentBytes, delta.length - 100);
  assert.equal(entry.address, "127.0.0.1");
  assert.equal(entry.isCut, false);
});

test("what is no HTTP, or no URL, is answered with 400 or cut off, and the service goes on", async () => {
  for (const text of [
    "nonsense\r\n\r\n",
    "GET http://[ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET //evil.example/v1/delta HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET /\\..\\.. HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "TRACE / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(70_000)}\r\n\r\n`,
    "POST /v1/releases HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /v1/releases HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
  ]) {
    const answer = await exchange(text);
    assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/, text.slice(0, 60));
  }
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.ok(log.every(({ status }) => status !== 500));
});

test("a body larger than the limit is refused while it comes", async () => {
  const answer = await exchange(
    `POST /v1/releases HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n{`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test("a listener that hangs up is forgotten", async () => {
  const controller = new AbortController();
  const response = await fetch(`${server.url}/v1/events`, {
    headers: { authorization },
    signal: controller.signal,
  });
  const listeners = async (): Promise<string> =>
    /^flatdelta_listeners (\d+)$/mu.exec(
      await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text(),
    )![1]!;
  assert.equal(await listeners(), "1");
  controller.abort();
  await assert.rejects(response.text());
  while ((await listeners()) !== "0") await tick();
});

test("a device that goes away in the middle leaves no file open", async () => {
  const { flatDigest } = await open.announce(1);
  const { url } = server;
  const socket: Socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(`GET /v1/images/${flatDigest} HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n\r\n`);
  await once(socket, "data");
  socket.destroy();
  const again = await fetch(`${url}/v1/images/${flatDigest}`, { headers: { authorization } });
  assert.equal((await again.arrayBuffer()).byteLength, Number(again.headers.get("content-length")));
});

test("closing lets answers come to their end and ends listening", async () => {
  const own = await openService({ ...site, storeFolder: `${site.storeFolder}-closing` }, {});
  const listening = await serveHttp(own.service, { port: 0 });
  const { flatDigest, flatBytes } = await own.announce(1);
  const events = await fetch(`${listening.url}/v1/events`);
  const image = await fetch(`${listening.url}/v1/images/${flatDigest}`);
  const closed = listening.close();
  assert.equal((await image.arrayBuffer()).byteLength, flatBytes);
  assert.match(await events.text(), /^retry/);
  await closed;
  await assert.rejects(fetch(`${listening.url}/healthz`));
});

test("a port that is taken is an error", async () => {
  await assert.rejects(serveHttp(open.service, { port: Number(new URL(server.url).port) }), {
    code: "EADDRINUSE",
  });
});

test("behind a proxy that is trusted, the client is the one that the proxy names last", async () => {
  const seen: string[] = [];
  const proxied = await serveHttp(
    { ...open.service, close: async () => {} },
    { port: 0, trustsProxy: true, onRequest: ({ address }) => seen.push(address) },
  );
  await fetch(`${proxied.url}/healthz`, { headers: { "x-forwarded-for": "forged, 10.0.0.9" } });
  await fetch(`${proxied.url}/healthz`);
  await proxied.close();
  assert.deepEqual(seen, ["10.0.0.9", "127.0.0.1"]);
});
