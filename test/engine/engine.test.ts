import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadEngineImage, readEngineImage } from "../../src/engine/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { flattenImage } from "../../src/image/index.ts";
import { memoryScratch, memorySource } from "../../src/io/index.ts";
import { fileScratch } from "../../src/io/node.ts";
import { buildLayers, buildOldDockerArchive } from "../image/build-image.ts";
import { readBody } from "../support/http-server.ts";

const ID = `sha256:${"1".repeat(64)}`;

interface Asked {
  method: string;
  url: string;
  body: Buffer;
}

type Answer = (request: Asked, response: ServerResponse) => void;

/** An engine of ours on a socket, or on a port. */
async function startEngine(context: TestContext, answer: Answer, isTcp = false) {
  const folder = await mkdtemp(join(tmpdir(), "fd-"));
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request).catch(() => Buffer.alloc(0));
    const call = { method: request.method!, url: decodeURIComponent(request.url!), body };
    // What breaks off is not acted on.
    if (!request.complete) return;
    asked.push(call);
    answer(call, response);
  };
  const server = createServer((request, response) => void handle(request, response));
  const path = join(folder, "docker.sock");
  await new Promise<void>(
    (resolve) => void (isTcp ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve)),
  );
  context.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  const host = isTcp ? `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix://${path}`;
  return { host, asked, folder };
}

const json = (response: ServerResponse, status: number, value: unknown) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(value)}\n`);
};
const archive = await buildOldDockerArchive(await buildLayers());
const serveImage: Answer = ({ url }, response) => {
  if (url === "/images/team/app:1/json") json(response, 200, { Id: ID, RepoTags: ["team/app:1", "app:old"] });
  else if (url === `/images/get?names=${ID}`) response.end(archive);
  else json(response, 404, { message: "No such image" });
};

for (const isTcp of [false, true]) {
  test(`an image is read by its name over ${isTcp ? "tcp" : "a socket"}`, async (context) => {
    const { host, folder } = await startEngine(context, serveImage, isTcp);
    const image = await readEngineImage("team/app:1", { host, scratch: fileScratch(folder) });
    assert.deepEqual(image.references, ["team/app:1", "app:old"]);
    assert.equal(image.layers.length, 2);
    await (await flattenImage(image)).close();
    await image.close();
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name !== "docker.sock"),
      [],
    );
  });
}

test("an image that is not there, an engine that is not there, and one elsewhere", async (context) => {
  const { host } = await startEngine(context, serveImage);
  const read = (name: string, where = host) => readEngineImage(name, { host: where, scratch: memoryScratch });
  await assert.rejects(read("other"), { code: ErrorCode.IMAGE_NOT_FOUND });
  await assert.rejects(read("a b"), RangeError);
  await assert.rejects(read("app", `${host}.gone`), { code: ErrorCode.UNREACHABLE, message: /ENOENT/ });
  for (const elsewhere of [
    "tcp://10.0.0.1:2375",
    "ssh://host",
    "tcp://127.0.0.1.example:1",
    "http://localhost",
  ]) {
    await assert.rejects(read("app", elsewhere), { code: ErrorCode.UNSUPPORTED_FEATURE });
  }
});

test("an engine that fails, or answers something else, says so", async (context) => {
  const failing = await startEngine(context, (_, response) =>
    json(response, 500, { message: "disk on fire" }),
  );
  await assert.rejects(readEngineImage("a", { host: failing.host }), {
    code: ErrorCode.HTTP_STATUS,
    message: /disk on fire/,
  });
  const silly = await startEngine(context, (_, response) => json(response, 200, { Id: "x" }));
  await assert.rejects(readEngineImage("a", { host: silly.host }), { code: ErrorCode.BAD_RESPONSE });
});

test("an image is loaded as it stands, and named", async (context) => {
  const { host, asked } = await startEngine(context, ({ url }, response) => {
    if (url.startsWith("/images/load")) json(response, 200, { stream: `Loaded image ID: ${ID}\n` });
    else response.writeHead(201).end();
  });
  assert.deepEqual(await loadEngineImage(memorySource(archive), { host, name: "host:5000/app:2" }), {
    id: ID,
  });
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url}`),
    ["POST /images/load?quiet=1", `POST /images/${ID}/tag?repo=host:5000/app&tag=2`],
  );
  assert.ok(asked[0]!.body.equals(archive));
});

test("an image that the engine names is found out by its ID", async (context) => {
  const { host } = await startEngine(context, (call, response) => {
    if (call.url.startsWith("/images/load")) json(response, 200, { stream: "Loaded image: team/app:1\n" });
    else serveImage(call, response);
  });
  assert.deepEqual(await loadEngineImage(archive, { host }), { id: ID });
});

for (const [name, answer] of [
  ["refuses in its stream", { errorDetail: { message: "no" }, error: "no space left on device" }],
  ["names nothing", { stream: "done" }],
] as const) {
  test(`an engine that ${name} has not loaded the image`, async (context) => {
    const { host } = await startEngine(context, (_, response) => json(response, 200, answer));
    await assert.rejects(loadEngineImage(archive, { host }), { code: ErrorCode.BAD_RESPONSE });
  });
}

test("what breaks off while it is sent is never a whole image to the engine", async (context) => {
  const { host, asked } = await startEngine(context, (_, response) => json(response, 200, { stream: "x" }));
  const reason = new Error("the target does not verify");
  async function* broken() {
    yield archive.subarray(0, 1000);
    throw reason;
  }
  await assert.rejects(loadEngineImage(broken(), { host }), reason);
  const controller = new AbortController();
  async function* aborted() {
    yield archive.subarray(0, 1000);
    controller.abort(reason);
    yield archive.subarray(1000);
  }
  await assert.rejects(loadEngineImage(aborted(), { host, signal: controller.signal }), reason);
  assert.deepEqual(asked, []);
});
