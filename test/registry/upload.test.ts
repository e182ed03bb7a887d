import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ErrorCode } from "../../src/errors.ts";
import { memorySource } from "../../src/io/index.ts";
import { pushBlob, RegistryClient } from "../../src/registry/index.ts";
import { hexOf } from "../image/build-image.ts";
import { instantClock } from "../support/http-server.ts";
import { type FakeOptions, startRegistry } from "./fake-registry.ts";

const BLOB = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 256);
const DIGEST = `sha256:${hexOf(BLOB)}`;

async function serve(context: Parameters<typeof startRegistry>[0], options: FakeOptions = {}) {
  const started = await startRegistry(context, options);
  const client = new RegistryClient({ clock: instantClock(), retry: { retries: 3 } });
  const push = (chunkBytes?: number, mountFrom?: string) =>
    pushBlob(client, { host: started.host, repository: "team/app" }, memorySource(BLOB), {
      chunkBytes,
      mountFrom,
    });
  return { ...started, push };
}

/** The methods of a log, but for the search for the protocol. */
const methods = (log: readonly string[]) =>
  log.filter((line) => !line.endsWith(" /v2/")).map((line) => line.split(" ")[0]);

test("a small blob goes in one request, a large one in chunks, one that is there not at all", async (context) => {
  for (const [chunkBytes, expected] of [
    [undefined, ["HEAD", "POST", "PUT"]],
    [1000, ["HEAD", "POST", "PUT"]],
    [400, ["HEAD", "POST", "PATCH", "PATCH", "PATCH", "PUT"]],
  ] as const) {
    const { push, registry, log } = await serve(context);
    assert.equal(await push(chunkBytes), DIGEST);
    assert.deepEqual(registry.blobs.get(`team/app@${DIGEST}`), BLOB);
    assert.deepEqual(methods(log), expected);
    log.length = 0;
    await push(chunkBytes);
    assert.deepEqual(methods(log), ["HEAD"]);
  }
});

test("a blob of another repository is mounted where the registry has it, else sent", async (context) => {
  const { push, registry, log } = await serve(context);
  registry.blobs.set(`base@${DIGEST}`, BLOB);
  await push(100, "base");
  assert.deepEqual(methods(log), ["HEAD", "POST"]);
  registry.blobs.clear();
  await push(undefined, "base");
  assert.deepEqual(registry.blobs.get(`team/app@${DIGEST}`), BLOB);
});

test("chunks are as large as the registry wants them", async (context) => {
  const { push, log } = await serve(context, {
    intercept: (_, response) => {
      response.setHeader("oci-chunk-min-length", "600");
      return false;
    },
  });
  await push(100);
  assert.deepEqual(methods(log), ["HEAD", "POST", "PATCH", "PATCH", "PUT"]);
});

test("an upload goes on after broken connections, wherever and however often they break", async (context) => {
  type Break = "before" | "after" | "half";
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Break | undefined>("before", "after", "half", undefined), { maxLength: 8 }),
      fc.constantFrom(1000, 300),
      async (breaks, chunkBytes) => {
        const left = [...breaks];
        let inARow = 0;
        const { push, registry } = await serve(context, {
          intercept: async (request, response, body) => {
            if (request.method !== "PATCH" && request.method !== "PUT") return false;
            const now = inARow < 3 ? left.shift() : undefined;
            inARow = now === undefined ? 0 : inARow + 1;
            if (now === undefined) return false;
            const id = /uploads\/(\d+)/.exec(request.url!)![1]!;
            const before = registry.uploads.get(id);
            if (now === "half" && request.method === "PATCH" && before !== undefined)
              registry.uploads.set(id, Buffer.concat([before, body.subarray(0, body.length >> 1)]));
            if (now === "after" && before !== undefined) {
              if (request.method === "PATCH") registry.uploads.set(id, Buffer.concat([before, body]));
              else registry.blobs.set(`team/app@${DIGEST}`, new Uint8Array(Buffer.concat([before, body])));
            }
            response.destroy();
            return true;
          },
        });
        assert.equal(await push(chunkBytes), DIGEST);
        assert.deepEqual(registry.blobs.get(`team/app@${DIGEST}`), BLOB);
      },
    ),
    { numRuns: 25 },
  );
});

test("a registry that answers wrongly is BAD_RESPONSE, one that refuses UNAUTHORIZED", async (context) => {
  const without = await serve(context, {
    intercept: (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(202);
      response.end();
      return true;
    },
  });
  await assert.rejects(without.push(), { code: ErrorCode.BAD_RESPONSE });
  const more = await serve(context, {
    intercept: (request, response) => {
      if (request.method !== "PATCH") return false;
      response.writeHead(202, { location: request.url!, range: "0-99999" });
      response.end();
      return true;
    },
  });
  await assert.rejects(more.push(100), { code: ErrorCode.BAD_RESPONSE });
  const refusing = await serve(context, {
    intercept: (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(403);
      response.end();
      return true;
    },
  });
  await assert.rejects(refusing.push(), { code: ErrorCode.UNAUTHORIZED });
});
