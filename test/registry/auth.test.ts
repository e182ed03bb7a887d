import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ErrorCode } from "../../src/errors.ts";
import { parseChallenges } from "../../src/registry/challenge.ts";
import { type Credentials, RegistryClient } from "../../src/registry/index.ts";
import { instantClock, readBody, startServer } from "../support/http-server.ts";

const REPOSITORY = "team/app";
const USER = { username: "user", password: "pässword:1" };
const BASIC = `Basic ${Buffer.from("user:pässword:1").toString("base64")}`;

interface TokenService {
  /** What a token is good for: as many requests. */
  uses?: number;
  expiresIn?: number;
  /** Answers instead of a token. */
  answer?: unknown;
  status?: number;
}

/** A registry behind a token service, as Docker Hub's and most others'. */
async function startGuarded(context: TestContext, service: TokenService = {}) {
  const asked: { method: string; query: string; authorization: string | undefined; form: string }[] = [];
  const left = new Map<string, number>();
  const tokens = await startServer(context, async (request, response) => {
    const url = new URL(request.url!, "http://tokens");
    const { authorization } = request.headers;
    const form = (await readBody(request)).toString();
    asked.push({ method: request.method!, query: decodeURIComponent(url.search), authorization, form });
    const token = `t${asked.length}`;
    left.set(token, service.uses ?? Number.POSITIVE_INFINITY);
    response.writeHead(service.status ?? 200, { "content-type": "application/json" });
    response.end(
      JSON.stringify("answer" in service ? service.answer : { token, expires_in: service.expiresIn }),
    );
  });
  const seen: (string | undefined)[] = [];
  const registry = await startServer(context, (request, response) => {
    const { authorization } = request.headers;
    seen.push(authorization);
    const token = authorization?.replace("Bearer ", "") ?? "";
    const uses = left.get(token) ?? 0;
    left.set(token, uses - 1);
    if (uses > 0) return void response.end("ok");
    response.writeHead(401, {
      "www-authenticate": `Bearer realm="${tokens.origin}/token",service="reg",scope="repository:${REPOSITORY}:pull"`,
    });
    return void response.end();
  });
  const host = registry.origin.replace("http://", "");
  const target = { repository: { host, repository: REPOSITORY }, path: "tags/list" };
  const read = async (client: RegistryClient, more: object = {}) => {
    const { bytes } = await client.read({ ...target, ...more }, { limitBytes: 100 });
    return Buffer.from(bytes).toString();
  };
  const clientFor = (credentials?: Credentials) =>
    new RegistryClient({
      credentials: async () => credentials,
      clock: instantClock(),
      retry: { retries: 1 },
    });
  return { asked, seen, host, read, clientFor };
}

test("a token is got once for each scope, with the caller's name and password, and shown with every request", async (context) => {
  const { asked, seen, read, clientFor } = await startGuarded(context);
  const client = clientFor(USER);
  for (let i = 0; i < 3; i++) assert.equal(await read(client), "ok");
  assert.deepEqual(asked, [
    {
      method: "GET",
      query: `?service=reg&scope=repository:${REPOSITORY}:pull`,
      authorization: BASIC,
      form: "",
    },
  ]);
  assert.deepEqual(seen, [undefined, "Bearer t1", "Bearer t1", "Bearer t1"]);
  await read(client, { actions: "pull,push", alsoPulls: ["other"] });
  assert.equal(asked.length, 2);
  assert.match(asked[1]!.query, /scope=repository:team\/app:pull,push&scope=repository:other:pull&/);
});

test("without credentials a token is asked for in nobody's name", async (context) => {
  const { asked, read, clientFor } = await startGuarded(context);
  assert.equal(await read(clientFor()), "ok");
  assert.equal(asked[0]!.authorization, undefined);
});

test("an identity token is exchanged for one, in the request's body", async (context) => {
  const { asked, read, clientFor } = await startGuarded(context);
  assert.equal(await read(clientFor({ identityToken: "long & secret" })), "ok");
  const { method, query, authorization, form } = asked[0]!;
  assert.deepEqual([method, query, authorization], ["POST", "", undefined]);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(form)), {
    grant_type: "refresh_token",
    client_id: "flatdelta",
    refresh_token: "long & secret",
    service: "reg",
    scope: `repository:${REPOSITORY}:pull`,
  });
});

test("a token that is no longer taken is renewed once", async (context) => {
  const { asked, read, clientFor } = await startGuarded(context, { uses: 1 });
  const client = clientFor(USER);
  for (let i = 0; i < 3; i++) assert.equal(await read(client), "ok");
  assert.equal(asked.length, 3);
});

test("a registry that takes no token is UNAUTHORIZED", async (context) => {
  const { asked, read, clientFor } = await startGuarded(context, { uses: 0 });
  await assert.rejects(read(clientFor(USER)), { code: ErrorCode.UNAUTHORIZED, status: 401 });
  assert.equal(asked.length, 1);
});

for (const [name, service, code] of [
  ["that refuses", { status: 401 }, ErrorCode.UNAUTHORIZED],
  ["that gives none", { answer: {} }, ErrorCode.BAD_RESPONSE],
  ["that gives something else", { answer: null }, ErrorCode.BAD_RESPONSE],
  ["whose token would end the header", { answer: { token: "a\r\nX-Evil: 1" } }, ErrorCode.BAD_RESPONSE],
] as const) {
  test(`a token service ${name} is ${code}`, async (context) => {
    const { read, clientFor } = await startGuarded(context, service);
    await assert.rejects(read(clientFor(USER)), { code });
  });
}

test("Basic authentication", async (context) => {
  const seen: (string | undefined)[] = [];
  const { origin } = await startServer(context, (request, response) => {
    seen.push(request.headers.authorization);
    if (request.headers.authorization === BASIC) return void response.end("{}");
    response.writeHead(401, { "www-authenticate": 'Basic realm="registry"' });
    return void response.end();
  });
  const host = origin.replace("http://", "");
  const client = new RegistryClient({ credentials: async (asked) => (asked === host ? USER : undefined) });
  await client.ping(host);
  await client.ping(host);
  assert.deepEqual(seen, [undefined, BASIC, BASIC]);
  const wrong = new RegistryClient({ credentials: async () => ({ ...USER, password: "x" }) });
  await assert.rejects(wrong.ping(host), { code: ErrorCode.UNAUTHORIZED });
  await assert.rejects(new RegistryClient().ping(host), { code: ErrorCode.UNAUTHORIZED });
});

test("a registry behind https cannot send credentials over plain http", async () => {
  const asked: string[] = [];
  const fetch = async (url: string) => {
    asked.push(url);
    const headers = { "www-authenticate": 'Bearer realm="http://tokens.example/token"' };
    return new Response(null, { status: 401, headers });
  };
  const client = new RegistryClient({ fetch, credentials: async () => USER });
  await assert.rejects(client.ping("registry.example"), { code: ErrorCode.BAD_RESPONSE });
  assert.deepEqual(asked, ["https://registry.example/v2/"]);
});

test("plain http is for this machine's registries and those that are named", async () => {
  const asked: string[] = [];
  const fetch = async (url: string) => {
    asked.push(url);
    if (url.startsWith("https:")) throw new TypeError("fetch failed");
    return new Response("{}");
  };
  const client = new RegistryClient({ fetch, insecureHosts: ["lan:5000"], retry: { retries: 0 } });
  for (const host of ["lan:5000", "localhost:1", "127.1.2.3", "[::1]:5000"]) {
    await client.ping(host);
    assert.deepEqual(asked.splice(0), [`https://${host}/v2/`, `http://${host}/v2/`]);
    await client.ping(host);
    assert.deepEqual(asked.splice(0), [`http://${host}/v2/`], "found out once");
  }
  for (const host of ["lan", "127.example.com", "localhost.example.com"]) {
    await assert.rejects(client.ping(host), { code: ErrorCode.UNREACHABLE });
    assert.deepEqual(asked.splice(0), [`https://${host}/v2/`]);
  }
  await assert.rejects(client.ping("docker.io"));
  assert.deepEqual(asked, ["https://registry-1.docker.io/v2/"]);
});

test("challenges are read as servers write them", () => {
  const parse = (header: string | null) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(parse(null), []);
  assert.deepEqual(parse("Basic"), [["basic", {}]]);
  assert.deepEqual(parse('Bearer realm="https://a/t?x=1,2",Service=reg , scope="a:b:pull,push c:d:pull"'), [
    ["bearer", { realm: "https://a/t?x=1,2", service: "reg", scope: "a:b:pull,push c:d:pull" }],
  ]);
  assert.deepEqual(parse('Digest a=1, Basic realm="say \\"hi\\""'), [
    ["digest", { a: "1" }],
    ["basic", { realm: 'say "hi"' }],
  ]);
  assert.deepEqual(parse('Bearer realm="open'), [["bearer", { realm: "" }]]);
});
