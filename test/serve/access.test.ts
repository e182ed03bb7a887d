/** Who may ask, and how often. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AccessControl, type AccessToken, RateLimit } from "../../src/serve/access.ts";
import { Problem } from "../../src/serve/problem.ts";
import { createSite, openService, READ_TOKEN, type Site, WRITE_TOKEN } from "./fixture.ts";

let site: Site;
before(async () => {
  site = await createSite([1]);
});
after(() => site.remove());

const READER: AccessToken = { token: READ_TOKEN, right: "read" };
const WRITER: AccessToken = { token: WRITE_TOKEN, right: "write" };
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The status that a check ends with; 200 when it passes. */
function statusOf(
  tokens: readonly AccessToken[],
  right: "read" | "write" | undefined,
  header?: string,
): number {
  const headers = new Headers(header === undefined ? {} : { authorization: header });
  try {
    new AccessControl(tokens).check(headers, right);
    return 200;
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error.status;
  }
}

test("who may do what", () => {
  const both = [READER, WRITER];
  const [read, write] = [`Bearer ${READ_TOKEN}`, `Bearer ${WRITE_TOKEN}`];
  for (const [tokens, right, header, status] of [
    [[], "read", undefined, 200],
    [[], "write", undefined, 401],
    [[], "write", write, 401],
    [[WRITER], "read", undefined, 200],
    [[WRITER], "read", "Bearer nonsense-nonsense", 200],
    [[WRITER], "write", write, 200],
    [both, "read", undefined, 401],
    [both, "read", read, 200],
    [both, "read", write, 200],
    [both, "write", read, 403],
    [both, "write", write, 200],
    [both, undefined, undefined, 200],
    [both, "read", READ_TOKEN, 401],
    [both, "read", `Basic ${READ_TOKEN}`, 401],
    [both, "read", `bearer   ${READ_TOKEN} `, 200],
    [both, "read", `${read}x`, 401],
    [both, "read", read.slice(0, -1), 401],
    [both, "read", "Bearer ", 401],
    [both, "read", `${read} ${write}`, 401],
  ] as const) {
    assert.equal(statusOf(tokens, right, header), status, JSON.stringify([tokens.length, right, header]));
  }
});

test("tokens that anybody could guess, or no header can carry, are refused at the start", () => {
  for (const token of [
    "",
    "short",
    "fifteen-letters",
    "with a space in it here",
    "ünprintable-token-here",
    "x\n".repeat(20),
  ])
    assert.throws(() => new AccessControl([{ token, right: "read" }]), RangeError, token);
});

test("every path but /healthz wants a token once reading does, also paths that there are not", async () => {
  const { get, post, service } = await openService(site, { tokens: [READER, WRITER] });
  for (const path of [
    "/v1/delta?src=a:1&dest=a:2",
    "/v1/delta/info?src=a:1&dest=a:2",
    "/api/v2/delta?src=a:1&dest=a:2",
    "/v1/releases",
    "/v1/releases/0123456789abcdef",
    "/v1/apps/app/latest",
    "/v1/events",
    "/metrics",
    "/nowhere",
  ]) {
    const refused = await get(path);
    assert.equal(refused.status, 401, path);
    assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="flatdelta"');
    const allowed = await get(path, bearer(READ_TOKEN));
    await allowed.body?.cancel();
    assert.notEqual(allowed.status, 401, path);
  }
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await post({ app: "a", version: "1", image: "v1.tar" }, bearer(READ_TOKEN))).status, 403);
  assert.equal((await post({ app: "a", version: "1", image: "v1.tar" })).status, 202);
  await service.close();
});

test("what only holders of a token may read is for no shared cache", async () => {
  const { announce, get, service } = await openService(site, { tokens: [READER, WRITER] });
  const v1 = await announce(1);
  const response = await get(`/v1/images/${v1.flatDigest}`, bearer(READ_TOKEN));
  await response.body?.cancel();
  assert.equal(response.headers.get("cache-control"), "private, max-age=31536000, immutable");
  await service.close();
});

test("a flood of clients is bounded in memory, and each has its own bucket", () => {
  const rate = new RateLimit(2);
  for (let i = 0; i < 20_000; i++) rate.take(String(i), 0);
  rate.take("19999", 0);
  assert.throws(() => rate.take("19999", 0), Problem);
  // Forgotten long ago: it begins anew.
  rate.take("0", 0);
  rate.take("0", 0);
  assert.throws(() => rate.take("0", 0), Problem);
  // A clock that goes back gives nothing away.
  assert.throws(() => rate.take("0", -100_000), Problem);
  rate.take("0", 60_000);
});
