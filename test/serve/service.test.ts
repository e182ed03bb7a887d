/** The service as a function from Request to Response. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import fc from "fast-check";
import { applyDelta } from "../../src/apply/index.ts";
import { toHex } from "../../src/bytes/index.ts";
import { sha256 } from "../../src/hash/index.ts";
import { flattenImage } from "../../src/image/index.ts";
import { readImage } from "../../src/image/node.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import {
  createSite,
  deltaPath,
  type OpenService,
  openService,
  type ReleaseJson,
  type Site,
  tick,
  WRITE_TOKEN,
} from "./fixture.ts";

const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer());
const digestOf = (bytes: Uint8Array): string => `sha256:${toHex(sha256(bytes))}`;
/** The status of an answer whose body nobody wants. */
async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;

let site: Site;
const opened: OpenService[] = [];
async function open(...parameters: Parameters<typeof openService>): Promise<OpenService> {
  const service = await openService(...parameters);
  opened.push(service);
  return service;
}
before(async () => {
  site = await createSite([1, 2, 3]);
});
afterEach(async () => {
  for (const { service } of opened.splice(0)) await service.close();
});
after(() => site.remove());

async function readFlat(version: number): Promise<Uint8Array> {
  const image = await readImage(join(site.imagesFolder, `v${version}.tar`));
  const { source } = await flattenImage(image);
  const bytes = await readRange(source, 0, source.size);
  await image.close();
  return bytes;
}

/** A store of its own for each test, over the same images. */
const fresh = (name: string): Site => ({ ...site, storeFolder: join(site.storeFolder, "..", name) });

describe("deltas", () => {
  test("lead from one release to the next, under every name that a device may have for them", async () => {
    const { announce, settle } = await open(fresh("names"));
    const [v1, v2] = [await announce(1), await announce(2)];
    assert.equal(v2.state, "ready");
    assert.equal(v2.flatDigest, digestOf(await readFlat(2)));
    const first = await settle(deltaPath(v1.flatDigest, v2.flatDigest));
    assert.equal(first.status, 200);
    const delta = await bytesOf(first);
    const sink = memorySink();
    await applyDelta(memorySource(await readFlat(1)), memorySource(delta), sink);
    assert.deepEqual(Buffer.from(sink.bytes()), Buffer.from(await readFlat(2)));
    for (const [src, dest] of [
      ["app:v1", "app:v2"],
      [v1.imageId, v2.imageId],
      [v1.flatDigest, "app:v2"],
    ]) {
      const again = await settle(deltaPath(src!, dest!));
      assert.deepEqual(await bytesOf(again), delta);
      assert.equal(again.headers.get("etag"), `"${digestOf(delta)}"`);
      assert.equal(again.headers.get("x-flatdelta-basis"), v1.flatDigest);
      assert.equal(again.headers.get("x-flatdelta-target"), v2.flatDigest);
    }
  });

  test("are cached for ever when both ends are named by digest, and never blindly when one is not", async () => {
    const { announce, settle } = await open(fresh("caching"));
    const [v1, v2] = [await announce(1), await announce(2)];
    const fixed = await settle(deltaPath(v1.flatDigest, v2.flatDigest));
    await fixed.body?.cancel();
    assert.equal(fixed.headers.get("cache-control"), "public, max-age=31536000, immutable");
    const named = await settle(deltaPath("app:v1", "app:v2"));
    await named.body?.cancel();
    assert.equal(named.headers.get("cache-control"), "public, no-cache");
  });

  test("a thousand devices at once are told to ask again, one delta is made, and all get it", async () => {
    const { announce, get, maker, settle } = await open(fresh("flight"));
    const [v1, v2] = [await announce(1), await announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    const held = maker.hold();
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => get(path)));
    for (const { status, headers } of answers) {
      assert.equal(status, 202);
      assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    }
    assert.deepEqual(Object.keys((await answers[0]!.json()) as object), [
      "code",
      "message",
      "state",
      "progress",
    ]);
    held.release();
    await statusOf(settle(path));
    const bodies = await Promise.all(
      Array.from({ length: 1_000 }, async () => {
        const response = await get(path);
        assert.equal(response.status, 200);
        return digestOf(await bytesOf(response));
      }),
    );
    assert.equal(new Set(bodies).size, 1);
    assert.equal(maker.counts.made, 1);
  });

  test("what cannot be had is told apart", async () => {
    const { announce, get } = await open(fresh("missing"));
    const v1 = await announce(1);
    const unknown = `sha256:${"0".repeat(64)}`;
    for (const [src, dest, code] of [
      [unknown, v1.flatDigest, "NO_BASIS"],
      ["app:v9", v1.flatDigest, "NO_BASIS"],
      [v1.flatDigest, unknown, "NO_TARGET"],
      [unknown, unknown, "NO_TARGET"],
    ]) {
      for (const path of ["/v1/delta", "/v1/delta/info", "/api/v2/delta"]) {
        const response = await get(deltaPath(src!, dest!, path));
        assert.equal(response.status, 404);
        assert.equal(await codeOf(response), code);
      }
    }
  });

  test("a delta no smaller than a pull is not kept, and that is remembered", async () => {
    const own = fresh("cheaper");
    const first = await open(own);
    const { maker } = first;
    const flatten = maker.flatten.bind(maker);
    maker.flatten = async (...parameters) => ({ ...(await flatten(...parameters)), pullBytes: 10 });
    const [v1, v2] = [await first.announce(1), await first.announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    const response = await first.settle(path);
    assert.equal(response.status, 422);
    const body = (await response.json()) as { code: string; deltaBytes: number; pullBytes: number };
    assert.equal(body.code, "PULL_IS_CHEAPER");
    assert.equal(body.pullBytes, 10);
    assert.ok(body.deltaBytes > 10);
    await first.service.close();
    assert.deepEqual(
      (await readdir(join(own.storeFolder, "delta"))).filter((name) => name.endsWith(".delta")),
      [],
    );
    const second = await open(own);
    assert.equal(await statusOf(second.get(path)), 422);
    assert.equal(second.maker.counts.made, 0);
  });

  test("what is known of one is told without sending it", async () => {
    const { announce, settle } = await open(fresh("info"));
    const [v1, v2] = [await announce(1), await announce(2)];
    const info = (await (await settle(deltaPath("app:v1", "app:v2", "/v1/delta/info"))).json()) as object;
    const delta = await bytesOf(await settle(deltaPath("app:v1", "app:v2")));
    assert.deepEqual(info, {
      state: "ready",
      basis: v1.flatDigest,
      target: v2.flatDigest,
      targetBytes: v2.flatBytes,
      deltaBytes: delta.length,
      digest: digestOf(delta),
      pullBytes: v2.pullBytes,
    });
  });

  test("balena's form of the question: 504 while it is being made, then a redirect to the file", async () => {
    const { announce, get, maker, settle } = await open(fresh("balena"));
    const [v1, v2] = [await announce(1), await announce(2)];
    const path = deltaPath(v1.imageId, v2.imageId, "/api/v2/delta");
    const held = maker.hold();
    assert.equal(await statusOf(get(path)), 504);
    held.release();
    const delta = await bytesOf(await settle(deltaPath("app:v1", "app:v2")));
    const redirect = await get(path);
    assert.equal(redirect.status, 302);
    const location = redirect.headers.get("location")!;
    assert.equal(location, `/v1/deltas/${digestOf(delta)}`);
    assert.deepEqual(await bytesOf(await get(location)), delta);
    assert.equal(await statusOf(get(`/v1/deltas/sha256:${"0".repeat(64)}`)), 404);
  });

  test("a failure is remembered, longer each time, and forgotten after a success", async () => {
    let nowMs = 1_000_000;
    const { announce, get, maker, settle, events } = await open(fresh("failing"), { now: () => nowMs });
    const [v1, v2] = [await announce(1), await announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    maker.failures.delta = Object.assign(new Error("no room in /var/lib/secret"), { code: "ENOSPC" });
    for (const waitSeconds of [30, 60, 120]) {
      const response = await settle(path);
      assert.equal(response.status, 500);
      assert.equal(response.headers.get("retry-after"), String(waitSeconds));
      assert.doesNotMatch(await response.text(), /secret|ENOSPC/);
      nowMs += waitSeconds * 1000 - 1;
      assert.equal(await statusOf(get(path)), 500, "not before its time");
      nowMs += 1;
    }
    assert.equal(maker.counts.made, 3);
    assert.equal(events.filter((event) => event === "delta-failed").length, 3);
    maker.failures.delta = undefined;
    assert.equal(await statusOf(settle(path)), 200);
  });

  test("no more are made at a time, and no more wait, than the limits say", async () => {
    const { announce, get, maker, settle } = await open(fresh("bounded"), {
      limits: { maxJobs: 2, maxWaitingJobs: 1 },
    });
    for (const version of [1, 2, 3]) await announce(version);
    const held = maker.hold();
    const pairs = [
      [1, 2],
      [2, 3],
      [1, 3],
      [3, 1],
    ].map(([from, to]) => deltaPath(`app:v${from}`, `app:v${to}`));
    const answers = await Promise.all(pairs.map((path) => get(path)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202, 503],
    );
    const [making, , waiting, refused] = answers;
    assert.match(await making!.text(), /"state":"making"/);
    assert.match(await waiting!.text(), /"state":"waiting"/);
    assert.equal(await codeOf(refused!), "QUEUE_FULL");
    assert.match(refused!.headers.get("retry-after") ?? "", /^\d+$/);
    held.release();
    for (const path of pairs.slice(0, 3)) assert.equal(await statusOf(settle(path)), 200);
    assert.equal(maker.counts.mostRunning, 2);
  });

  test("are made ahead from the last releases, if that is wished", async () => {
    const { announce, settle, maker } = await open(fresh("ahead"), { ahead: 2 });
    for (const version of [1, 2, 3]) await announce(version);
    while (maker.counts.made < 3 || maker.counts.running > 0) await tick();
    for (const path of [deltaPath("app:v1", "app:v3"), deltaPath("app:v2", "app:v3")]) {
      assert.equal(await statusOf(settle(path)), 200);
    }
    assert.equal(maker.counts.made, 3, "nobody's question made one");
  });
});

describe("the store", () => {
  test("a restart loses nothing that was made", async () => {
    const own = fresh("restart");
    const first = await open(own);
    const [v1, v2] = [await first.announce(1), await first.announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    const delta = await bytesOf(await first.settle(path));
    await first.service.close();
    const second = await open(own);
    const response = await second.get(path);
    assert.equal(response.status, 200);
    assert.deepEqual(await bytesOf(response), delta);
    assert.deepEqual(await (await second.get("/v1/apps/app/latest")).json(), v2);
    assert.deepEqual(second.maker.counts, { flattened: 0, made: 0, running: 0, mostRunning: 0 });
    const v3 = await second.announce(3);
    assert.equal(v3.sequence, 3);
  });

  test("what was being read or made when the service ended is done after a restart", async () => {
    const own = fresh("cut");
    const first = await open(own);
    await first.announce(1);
    first.maker.hold();
    const posted = await first.post({ app: "app", version: "v2", image: "v2.tar" });
    assert.equal(posted.status, 202);
    await first.service.close();
    const second = await open(own);
    const { id } = (await posted.json()) as ReleaseJson;
    const release = (await (await second.settle(`/v1/releases/${id}`)).json()) as ReleaseJson;
    assert.equal(release.state, "ready");
    assert.equal(await statusOf(second.settle(deltaPath("app:v1", "app:v2"))), 200);
  });

  test("halves, drafts, damaged records and strange files do no harm", async () => {
    const own = fresh("halves");
    const first = await open(own);
    const [v1, v2] = [await first.announce(1), await first.announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    await statusOf(first.settle(path));
    await first.service.close();
    const folder = join(own.storeFolder, "delta");
    const name = (await readdir(folder)).find((entry) => entry.endsWith(".delta"))!;
    await truncate(join(folder, name), 10);
    await writeFile(join(folder, "feed.delta"), "no record");
    await writeFile(join(folder, "feed.json"), "{ no JSON");
    await writeFile(join(folder, "README"), "strange");
    await writeFile(join(own.storeFolder, "image", `${"0".repeat(64)}.flat`), "of no release");
    await writeFile(join(own.storeFolder, "draft", "left"), "half");
    const second = await open(own);
    assert.equal(await statusOf(second.settle(path)), 200);
    assert.equal(second.maker.counts.made, 1, "the one that was cut is made again");
    const kept = (await readdir(folder)).sort();
    assert.deepEqual(kept, ["README", name, name.replace(".delta", ".json")].sort());
    assert.deepEqual(await readdir(join(own.storeFolder, "draft")), []);
    assert.equal((await readdir(join(own.storeFolder, "image"))).length, 2);
  });

  test("deltas made with other options are made again", async () => {
    const own = fresh("options");
    const path = deltaPath("app:v1", "app:v2");
    for (const optionsTag of ["level 1", "level 1", "level 9"]) {
      const { announce, settle, maker, service } = await open(own, { optionsTag });
      await announce(1);
      await announce(2);
      assert.equal(await statusOf(settle(path)), 200);
      const made = optionsTag === "level 1" && maker.counts.flattened === 0 ? 0 : 1;
      assert.equal(maker.counts.made, made, optionsTag);
      await service.close();
    }
  });

  test("the least recently used goes first; flat images that are needed are made again", async () => {
    let nowMs = Date.now();
    const { announce, get, maker, settle, events } = await open(fresh("evicting"), {
      now: () => nowMs,
      // Room for one flat image and some deltas.
      limits: { maxStoreBytes: 110_000 },
    });
    const [v1, v2] = [await announce(1), await announce(2)];
    assert.equal(v1.state, "ready");
    assert.ok(events.includes("evicted"));
    nowMs += 1;
    assert.equal(await statusOf(settle(deltaPath(v1.flatDigest, v2.flatDigest))), 200);
    assert.ok(maker.counts.flattened >= 3, "read again");
    const image = await settle(`/v1/images/${v1.flatDigest}`);
    assert.deepEqual(digestOf(await bytesOf(image)), v1.flatDigest);
    assert.match(await (await get("/metrics")).text(), /^flatdelta_evicted_total [1-9]/m);
  });

  test("what is too old goes, but not while somebody reads it", async () => {
    let nowMs = Date.now();
    const own = fresh("aging");
    const { announce, get, settle, maker } = await open(own, {
      now: () => nowMs,
      limits: { maxAgeMs: 60_000 },
    });
    const [v1, v2] = [await announce(1), await announce(2)];
    const path = deltaPath(v1.flatDigest, v2.flatDigest);
    const delta = await bytesOf(await settle(path));
    const reading = await get(path);
    nowMs += 120_000;
    await announce(3);
    assert.deepEqual(await bytesOf(reading), delta, "still there for who reads it");
    assert.equal(await statusOf(get(path)), 200);
    nowMs += 120_000;
    // Whatever is kept next makes room.
    await statusOf(settle(deltaPath("app:v2", "app:v3")));
    const before = maker.counts.made;
    assert.equal(await statusOf(get(path)), 202, "forgotten, and made again");
    assert.equal(await statusOf(settle(path)), 200);
    assert.equal(maker.counts.made, before + 1);
  });

  test("a file that somebody else removed is made again", async () => {
    const own = fresh("removed");
    const { announce, settle, maker } = await open(own);
    await announce(1);
    await announce(2);
    const path = deltaPath("app:v1", "app:v2");
    await bytesOf(await settle(path));
    const folder = join(own.storeFolder, "delta");
    for (const name of await readdir(folder)) await rm(join(folder, name));
    assert.equal(await statusOf(settle(path)), 200);
    assert.equal(maker.counts.made, 2);
  });
});

describe("releases", () => {
  test("are announced once: the same again changes nothing, another image is refused", async () => {
    const { announce, post, maker } = await open(fresh("once"));
    const v1 = await announce(1);
    const again = await post({ app: "app", version: "v1", image: "v1.tar" });
    assert.equal(again.status, 201);
    assert.deepEqual(await again.json(), v1);
    assert.equal(maker.counts.flattened, 1);
    const other = await post({ app: "app", version: "v1", image: "v2.tar" });
    assert.equal(other.status, 409);
    assert.equal(await codeOf(other), "RELEASE_EXISTS");
  });

  test("whose image cannot be read fail, say so without naming places, and may be announced again", async () => {
    const { announce, post, settle, get } = await open(fresh("unreadable"));
    await announce(1);
    await writeFile(join(site.imagesFolder, "broken.tar"), "no archive");
    const { id } = (await (
      await post({ app: "app", version: "v2", image: "broken.tar" })
    ).json()) as ReleaseJson;
    const failed = await (await settle(`/v1/releases/${id}`)).text();
    assert.match(failed, /"state":"failed"/);
    assert.ok(!failed.includes(site.imagesFolder));
    assert.equal(await codeOf(await get(deltaPath("app:v1", "app:v2"))), "NO_TARGET");
    assert.equal((await announce(2)).state, "ready");
  });

  test("are listed in order, from where a poller stands, and not sent again unchanged", async () => {
    const { announce, get } = await open(fresh("listed"));
    await announce(1);
    await announce(2, "other");
    await announce(3);
    const list = async (query: string): Promise<string[]> => {
      const { releases } = (await (await get(`/v1/releases${query}`)).json()) as { releases: ReleaseJson[] };
      return releases.map(({ version, sequence }) => `${sequence} ${version}`);
    };
    assert.deepEqual(await list(""), ["1 v1", "2 v2", "3 v3"]);
    assert.deepEqual(await list("?app=app"), ["1 v1", "3 v3"]);
    assert.deepEqual(await list("?app=app&after=1"), ["3 v3"]);
    assert.deepEqual(await list("?after=3"), []);
    assert.deepEqual(await list("?limit=1&after=1"), ["2 v2"]);
    const latest = await get("/v1/apps/app/latest");
    assert.equal(((await latest.json()) as ReleaseJson).version, "v3");
    for (const path of ["/v1/apps/app/latest", "/v1/releases?app=app"]) {
      const etag = (await get(path)).headers.get("etag")!;
      assert.equal(await statusOf(get(path, { "if-none-match": etag })), 304);
      assert.equal(await statusOf(get(path, { "if-none-match": '"other"' })), 200);
    }
    assert.equal(await statusOf(get("/v1/apps/nobody/latest")), 404);
  });

  test("a whole image can be had, in ranges too", async () => {
    const { announce, get } = await open(fresh("whole"));
    const v1 = await announce(1);
    const flat = await readFlat(1);
    const path = `/v1/images/${v1.flatDigest}`;
    assert.deepEqual(await bytesOf(await get(path)), flat);
    const part = await get(path, { range: "bytes=1000-1999", "if-range": `"${v1.flatDigest}"` });
    assert.equal(part.status, 206);
    assert.deepEqual(await bytesOf(part), flat.subarray(1000, 2000));
  });
});

describe("requests that are refused", () => {
  test("names of images lead nowhere but to the folder and the registries of the configuration", async () => {
    const outside = join(site.imagesFolder, "..", "outside.tar");
    await writeFile(outside, await readFile(join(site.imagesFolder, "v1.tar")));
    await symlink(outside, join(site.imagesFolder, "link.tar")).catch(() => {});
    const { post, settle, maker } = await open(fresh("forgery"), {
      images: { files: true, registries: ["registry.example:5000"] },
    });
    const release = (image: unknown) => post({ app: "app", version: "v1", image });
    for (const image of [
      "../outside.tar",
      "/etc/passwd",
      "..",
      ".",
      "",
      "a/b.tar",
      "a\\b.tar",
      ".hidden",
      "v1.tar\0",
      "oci:layout",
      "rootfs:etc",
      "docker-archive:v1.tar",
      "docker://registry.example:5000/../x",
      "docker://registry.example:5000/",
      "docker:///x",
      "docker://registry.example:5000/x?y=z",
      "docker://user:pw@registry.example:5000/x#y",
      "http://127.0.0.1/x",
      `docker://registry.example:5000/${"x".repeat(1000)}`,
      7,
      null,
      ["v1.tar"],
    ]) {
      assert.equal(await statusOf(release(image)), 400, String(image));
    }
    for (const image of [
      "docker://registry.example/x",
      "docker://registry.example:5001/x",
      "docker://127.0.0.1:5000/x",
      "docker://registry.example:5000.evil.example/x",
      "docker://user@registry.example:5000/x",
      "docker://REGISTRY.example:5000/x",
    ]) {
      assert.equal(await statusOf(release(image)), 403, image);
    }
    assert.equal(maker.counts.flattened, 0);
    const { id } = (await (await release("link.tar")).json()) as ReleaseJson;
    assert.match(await (await settle(`/v1/releases/${id}`)).text(), /"error":"IMAGE_NOT_FOUND"/);
  });

  test("no images at all unless the configuration says so", async () => {
    const { post } = await open(fresh("closed"), { images: {} });
    assert.equal(await statusOf(post({ app: "app", version: "v1", image: "v1.tar" })), 403);
    assert.equal(await statusOf(post({ app: "app", version: "v1", image: "docker://a/b" })), 403);
  });

  test("malformed input is the client's fault, never the service's", async () => {
    const { get, post, announce } = await open(fresh("malformed"));
    await announce(1);
    for (const path of [
      "/v1/delta",
      "/v1/delta?src=app:v1",
      "/v1/delta?src=&dest=",
      "/v1/delta?src=sha256:00&dest=app:v1",
      "/v1/delta?src=app:v1&dest=app:v1&dest=app:v1",
      `/v1/delta?src=app:v1&dest=${"x".repeat(600)}`,
      "/v1/delta?src=%00&dest=%ff",
      "/v1/releases?after=-1",
      "/v1/releases?after=1e3",
      "/v1/releases?limit=1001",
      "/v1/releases?app=a/b",
      "/v1/releases?app=",
      "/v1/events?after=x",
    ]) {
      assert.equal(await statusOf(get(path)), 400, path);
    }
    assert.equal(await statusOf(get("/v1/events", { "last-event-id": "x" })), 400);
    for (const body of [
      "",
      "{",
      "[]",
      "null",
      '"text"',
      "{}",
      { app: "sha256", version: "v", image: "v1.tar" },
      { app: "a b", version: "v", image: "v1.tar" },
      { app: "a", version: "", image: "v1.tar" },
      { app: "a", version: {}, image: "v1.tar" },
      { app: "a", version: "v" },
    ]) {
      assert.equal(await statusOf(post(body)), 400, JSON.stringify(body));
    }
    assert.equal(await statusOf(post("{}", { "content-type": "text/plain" })), 415);
    assert.equal(await statusOf(post(JSON.stringify({ app: "x".repeat(70_000) }))), 413);
    assert.equal(await statusOf(get(`/v1/delta?${"x".repeat(5_000)}`)), 414);
  });

  test("whatever is asked is answered, and never with a fault of our own", async () => {
    const { service, announce } = await open(fresh("anything"));
    const { flatDigest } = await announce(1);
    const paths = ["delta", "delta/info", "deltas", "images", "releases", "events", "apps/app/latest"];
    const path = fc.oneof(
      fc.constantFrom("/api/v2/delta", "/metrics", ...paths.map((name) => `/v1/${name}`)),
      fc.webPath(),
    );
    const value = fc.oneof(
      fc.constantFrom(flatDigest, "app:v1", "app:", "sha256:", "-1", "1e9", "%", "\0"),
      fc.string(),
      fc.string({ unit: "binary" }),
    );
    const name = fc.constantFrom("src", "dest", "app", "after", "limit", "x");
    const header = fc.constantFrom("range", "if-range", "if-none-match", "last-event-id", "authorization");
    // What a header can carry.
    const text = fc.string({
      unit: fc.integer({ min: 33, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    const request = fc.record({
      path,
      query: fc.array(fc.tuple(name, value), { maxLength: 4 }),
      headers: fc.dictionary(header, text, { maxKeys: 3 }),
      method: fc.constantFrom("GET", "HEAD", "POST", "DELETE", "PATCH"),
      body: fc.json(),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ path, query, headers, method, body }) => {
        const answer = await service.handle(
          new Request(`http://service${path}?${new URLSearchParams(query)}`, {
            method,
            headers: {
              authorization: `Bearer ${WRITE_TOKEN}`,
              "content-type": "application/json",
              ...headers,
            },
            ...(method === "GET" || method === "HEAD" ? {} : { body }),
          }),
        );
        await answer.body?.cancel();
        assert.ok(answer.status < 500 || answer.status === 504, `${answer.status}`);
      }),
      { numRuns: 300 },
    );
  });

  test("paths and methods that there are not", async () => {
    const { get } = await open(fresh("paths"));
    for (const path of [
      "/",
      "/v1",
      "/v1/deltas/sha256:0",
      "/v1/releases/x",
      "/v1/../etc/passwd",
      "/api/v3/delta",
    ])
      assert.equal(await statusOf(get(path)), 404, path);
    const wrong = await get("/v1/delta?src=app:v1&dest=app:v2", {}, "DELETE");
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get("allow"), "GET, HEAD");
    const other = await get("/v1/releases", { authorization: `Bearer ${WRITE_TOKEN}` }, "PUT");
    assert.equal(other.headers.get("allow"), "POST, GET, HEAD");
  });

  test("a fault of our own says nothing of the machine", async () => {
    const own = fresh("fault");
    const { announce, settle, get, service } = await open(own);
    await announce(1);
    await announce(2);
    await statusOf(settle(deltaPath("app:v1", "app:v2")));
    // A folder in the place of the file: an error that nobody expects.
    const folder = join(own.storeFolder, "delta");
    const name = (await readdir(folder)).find((entry) => entry.endsWith(".delta"))!;
    await rm(join(folder, name));
    await mkdir(join(folder, name));
    const response = await get(deltaPath("app:v1", "app:v2"));
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), {
      code: "INTERNAL",
      message: "the service failed; its log says why",
    });
    await service.close();
    const closed = await get("/healthz");
    assert.equal(closed.status, 503);
    assert.equal(await codeOf(closed), "CLOSING");
  });

  test("more requests than a client may make", async () => {
    let nowMs = 5_000_000;
    const { service, get } = await open(fresh("rate"), {
      limits: { requestsPerMinute: 60 },
      now: () => nowMs,
    });
    const ask = (address: string) => service.handle(new Request("http://service/v1/releases"), { address });
    for (let i = 0; i < 60; i++) assert.equal(await statusOf(ask("a")), 200);
    const refused = await ask("a");
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(await statusOf(ask("b")), 200);
    assert.equal(await statusOf(get("/healthz")), 200);
    nowMs += 1_000;
    assert.equal(await statusOf(ask("a")), 200);
    assert.equal(await statusOf(ask("a")), 429);
  });
});

test("health and metrics", async () => {
  const { announce, get, settle, service } = await open(fresh("metrics"));
  const [v1, v2] = [await announce(1), await announce(2)];
  const delta = await bytesOf(await settle(deltaPath(v1.flatDigest, v2.flatDigest)));
  assert.deepEqual(await (await get("/healthz")).json(), { status: "ok" });
  const response = await get("/metrics");
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  assert.equal(value("flatdelta_deltas_made_total"), 1);
  assert.equal(value("flatdelta_delta_hits_total"), 1);
  assert.equal(value("flatdelta_images_read_total"), 2);
  assert.equal(value("flatdelta_sent_bytes_total"), delta.length);
  assert.equal(value("flatdelta_saved_bytes_total"), v2.pullBytes - delta.length);
  assert.equal(value("flatdelta_delta_make_seconds_count"), 1);
  assert.equal(value("flatdelta_queue_length"), 0);
  assert.ok(value("flatdelta_stored_bytes") >= v1.flatBytes + v2.flatBytes);
  // Every line is one that Prometheus reads.
  for (const line of text.trimEnd().split("\n"))
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"\\]*"\})? [0-9.e+-]+)$/);
  const head = await get(deltaPath(v1.flatDigest, v2.flatDigest), {}, "HEAD");
  assert.equal(head.body, null);
  assert.equal(head.headers.get("content-length"), String(delta.length));
  await service.close();
});
