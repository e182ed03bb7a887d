/** `flatdelta serve`: options, configuration, log, and its end. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { CliEnvironment } from "../../src/cli/run.ts";
import { createSite, deltaPath, type Site, WRITE_TOKEN } from "../serve/fixture.ts";
import { finish, type Outcome, run, start, useFolder } from "./harness.ts";

const at = useFolder();
let site: Site;
beforeEach(async () => {
  site = await createSite([1, 2]);
  await writeFile(at("tokens"), `# who may announce\n\nwrite ${WRITE_TOKEN}\n`);
});
afterEach(() => site.remove());

const authorization = `Bearer ${WRITE_TOKEN}`;

/** Each piece of work is a process, which takes a second and the processor that asking more often would take from it. */
const POLL_MS = 50;

async function announce(url: string, version: number): Promise<void> {
  const body = JSON.stringify({ app: "app", version: `v${version}`, image: `v${version}.tar` });
  for (;;) {
    const response = await fetch(`${url}/v1/releases`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body,
    });
    await response.body?.cancel();
    if (response.status !== 202) return assert.equal(response.status, 201);
    await wait(POLL_MS);
  }
}

async function download(url: string): Promise<number> {
  for (;;) {
    const response = await fetch(url + deltaPath("app:v1", "app:v2"), { headers: { authorization } });
    const { byteLength } = await response.arrayBuffer();
    if (response.status === 200) return byteLength;
    assert.equal(response.status, 202);
    await wait(POLL_MS);
  }
}

/** Run the command in this process until `use` is done with it. */
async function serveWhile(
  argv: readonly string[],
  use: (url: string) => Promise<void>,
): Promise<Outcome & { log: string[] }> {
  const controller = new AbortController();
  const log: string[] = [];
  let found: (url: string) => void;
  const url = new Promise<string>((resolve) => {
    found = resolve;
  });
  const environment: Partial<CliEnvironment> = {
    signal: controller.signal,
    stderr: {
      write: (text) => {
        log.push(text);
        const address = /listening.*?(http:\/\/[0-9.:]+)/u.exec(text)?.[1];
        if (address !== undefined) found(address);
      },
    },
  };
  const ended = run(["serve", "--port", "0", "--workers", "0", "--level", "1", ...argv], environment);
  const started = await Promise.race([url, ended]);
  assert.equal(typeof started, "string", log.join(""));
  try {
    await use(started as string);
  } finally {
    controller.abort(new Error("enough"));
  }
  return { ...(await ended), log };
}

test("releases of a folder, over HTTP, with a log of JSON lines; a signal ends it well", async () => {
  const argv = [
    "--store",
    site.storeFolder,
    "--images",
    site.imagesFolder,
    "--token-file",
    at("tokens"),
    "--log",
    "json",
    "--json",
  ];
  const { code, stdout, log } = await serveWhile(argv, async (url) => {
    await announce(url, 1);
    await announce(url, 2);
    assert.ok((await download(url)) > 0);
    assert.equal((await fetch(`${url}/v1/releases`, { method: "POST" })).status, 401);
  });
  assert.equal(code, 0, log.join(""));
  const lines = log.map((line) => JSON.parse(line) as { event: string; status?: number });
  const events = new Set(lines.map(({ event }) => event));
  assert.deepEqual([...events].sort(), ["closing", "delta-made", "listening", "release-ready", "request"]);
  assert.ok(lines.some(({ status }) => status === 401));
  assert.equal(JSON.parse(stdout).requests, lines.filter(({ event }) => event === "request").length);
});

test("all options in a file; those of the command line win", async () => {
  const config = {
    store: at("not-this-one"),
    images: site.imagesFolder,
    "token-file": at("tokens"),
    "allow-registry": ["a.example", "b.example:5000"],
    "max-jobs": 2,
    "trust-proxy": true,
    log: "text",
  };
  await writeFile(at("config.json"), JSON.stringify(config));
  const { code, log } = await serveWhile(
    ["--config", at("config.json"), "--store", site.storeFolder],
    (url) => announce(url, 1),
  );
  assert.equal(code, 0, log.join(""));
  assert.match(log.join(""), /^\S+Z release-ready app=app version=v1 flatDigest=sha256:/m);
  assert.match(
    log.join(""),
    /^\S+Z request method=POST target=\/v1\/releases status=202 .*address=127\.0\.0\.1/m,
  );
});

describe("wrong use", () => {
  const cases: [name: string, argv: () => string[], message: RegExp][] = [
    ["no store", () => [], /expected --store DIR/],
    ["a port that is none", () => ["--store", at("s"), "--port", "70000"], /--port/],
    ["a level that is none", () => ["--store", at("s"), "--level", "10"], /--level/],
    ["a codec that is none", () => ["--store", at("s"), "--codec", "rar"], /--codec/],
    ["a platform that is none", () => ["--store", at("s"), "--platform", "/"], /platform/],
    [
      "a file of tokens with other words",
      () => ["--store", at("s"), "--token-file", at("config")],
      /in line 1/,
    ],
    ["a configuration that is no JSON", () => ["--config", at("tokens")], /expected JSON/],
    ["a configuration with a strange option", () => ["--config", at("strange")], /found "stroe"/],
    [
      "a configuration with a wrong type",
      () => ["--config", at("type")],
      /trust-proxy: expected true or false/,
    ],
    ["a configuration that is a list", () => ["--config", at("list")], /expected a JSON object/],
  ];
  for (const [name, argv, message] of cases) {
    test(name, async () => {
      await writeFile(at("config"), "secret-token-in-a-file");
      await writeFile(at("strange"), '{"stroe": "x"}');
      await writeFile(at("type"), '{"trust-proxy": "yes"}');
      await writeFile(at("list"), "[]");
      const { code, stderr } = await run(["serve", ...argv()]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /secret-token/);
    });
  }
});

test("killed at any moment, it goes on after a restart with what it had", async () => {
  const argv = [
    "serve",
    "--port",
    "0",
    "--workers",
    "0",
    "--level",
    "1",
    "--log",
    "json",
    "--store",
    site.storeFolder,
  ];
  const more = ["--images", site.imagesFolder, "--token-file", at("tokens")];
  const events: string[] = [];
  for (const isLast of [false, true]) {
    const child = start([...argv, ...more]);
    const ended = finish(child);
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.on("data", (piece) => {
        events.push(...[...String(piece).matchAll(/"event":"([a-z-]+)"/gu)].map(([, event]) => event!));
        const address = /"url":"([^"]+)"/u.exec(String(piece))?.[1];
        if (address !== undefined) resolve(address);
      });
      child.on("exit", () => reject(new Error("expected it to listen, it ended")));
    });
    if (!isLast) {
      await announce(url, 1);
      await announce(url, 2);
      // Asked for, and not waited for.
      await (await fetch(url + deltaPath("app:v1", "app:v2"))).body?.cancel();
      child.kill("SIGKILL");
      await ended;
      continue;
    }
    assert.ok((await download(url)) > 0);
    child.kill("SIGTERM");
    assert.equal((await ended).code, 0);
  }
  assert.equal(events.filter((event) => event === "release-ready").length, 2, "read once, before the kill");
});
