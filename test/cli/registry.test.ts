import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildLayers, buildOldDockerArchive, hexOf, LayoutBuilder } from "../image/build-image.ts";
import { startRegistry } from "../registry/fake-registry.ts";
import { finish, run, start, useFolder } from "./harness.ts";

const path = useFolder();
const layers = await buildLayers();

test("an image of a registry is an image like any other, and a delta to it is published there", async (context) => {
  const { host, registry } = await startRegistry(context);
  const layout = new LayoutBuilder();
  for (const [tag, from] of [
    ["1", layers.slice(0, 1)],
    ["2", layers],
  ] as const) {
    const stored = from.map((layer) => new Uint8Array(gzipSync(layer)));
    registry.addLayout("app", layout, layout.addManifest(from, {}, { stored }), tag);
    await writeFile(path(`${tag}.tar`), await buildOldDockerArchive(from));
  }
  const succeed = async (...argv: string[]) => {
    const { code, stdout, stderr } = await run([...argv, "--json"]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const flattened = await succeed("flatten", `docker://${host}/app:2`, "-o", path("pulled.flat"));
  const local = await succeed("flatten", path("2.tar"), "-o", path("2.flat"));
  assert.equal(flattened.flatSha256, local.flatSha256);
  const report = await succeed(
    "publish",
    `docker://${host}/app:1`,
    `docker://${host}/app:2`,
    "--workers",
    "0",
  );
  assert.equal(report.targetDigest, `sha256:${local.flatSha256}`);
  const artifact = registry.manifests.get(`app@${report.artifactDigest}`)!;
  assert.match(Buffer.from(artifact.bytes).toString(), /"dev\.flatdelta\.basis\.digest":"sha256:/);
  await writeFile(path("update.delta"), registry.blobs.get(`app@${report.deltaDigest}`)!);
  await succeed("patch", path("1.tar"), path("update.delta"), "-o", path("made.flat"));
  assert.equal(hexOf(await readFile(path("made.flat"))), local.flatSha256);
  const again = await succeed(
    "publish",
    path("1.tar"),
    path("2.flat"),
    "--to",
    `docker://${host}/app:2`,
    "--workers",
    "0",
  );
  assert.equal(again.deltaDigest, report.deltaDigest);
  assert.equal(
    (await run(["publish", path("2.tar"), path("1.tar"), "--to", `docker://${host}/app:2`])).code,
    4,
  );
});

test("wrong names are wrong use, what is not there is the network's error", async (context) => {
  const { host } = await startRegistry(context);
  for (const argv of [
    ["flatten", "docker://UPPER", "-o", path("x")],
    ["flatten", "docker:app", "-o", path("x")],
    ["publish", "a.tar", "b.tar"],
    ["publish", "a.tar", "b.tar", "--to", "docker://UPPER"],
  ]) {
    const { code, stderr } = await run(argv);
    assert.equal(code, 2, stderr);
  }
  const { code, stderr } = await run(["flatten", `docker://${host}/none:1`, "-o", path("x")]);
  assert.equal(code, 10);
  assert.match(stderr, /\(NOT_FOUND\)/);
});

test("a result goes into a Docker engine only when it is complete", async () => {
  const missing = { DOCKER_HOST: `unix://${path("none.sock")}` };
  await writeFile(path("1.tar"), await buildOldDockerArchive(layers));
  const child = finish(start(["flatten", path("1.tar"), "-o", "docker-daemon:app:1"], missing));
  const { code, stderr } = await child;
  assert.equal(code, 10);
  assert.match(stderr, /\(UNREACHABLE\)/);
  const resumed = await run(["patch", "a", "b", "--resume", "-o", "docker-daemon:app:1"]);
  assert.equal(resumed.code, 2, resumed.stderr);
  assert.equal((await run(["flatten", path("1.tar"), "-o", "docker-daemon:"])).code, 2);
});
