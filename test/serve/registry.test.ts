/** Releases whose images are in a registry. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createInlineMaker } from "../../src/serve/index.ts";
import { readReleaseImage } from "../../src/serve/read-release-image.ts";
import { buildTar, LayoutBuilder } from "../image/build-image.ts";
import { startRegistry } from "../registry/fake-registry.ts";
import { makeBytes } from "../support/pairs.ts";
import { createSite, deltaPath, openService, type ReleaseJson, watchMaker } from "./fixture.ts";

test("are read by tag, kept by digest, and found by manifest and config", async (context) => {
  const site = await createSite([]);
  context.after(() => site.remove());
  const { registry, host } = await startRegistry(context);
  const registryConfig = join(site.imagesFolder, "config.json");
  await writeFile(registryConfig, "{}");
  const push = async (version: number, tag: string): Promise<{ digest: string; layerBytes: number }> => {
    const layer = await buildTar([
      ["same", makeBytes(40_000, 5)],
      ["version", String(version)],
    ]);
    const layout = new LayoutBuilder();
    const stored = new Uint8Array(gzipSync(layer));
    const root = layout.addManifest([layer], {}, { stored: [stored] });
    registry.addLayout("team/app", layout, root, tag);
    return { digest: root.digest, layerBytes: stored.length };
  };
  const maker = watchMaker(
    createInlineMaker({
      readImage: (name, signal) => readReleaseImage(name, { registryConfig }, signal),
      delta: { level: 1 },
    }),
  );
  const { post, settle, service } = await openService(site, { maker, images: { registries: [host] } });
  const announce = async (
    version: string,
    image: string,
  ): Promise<ReleaseJson & { manifestDigest: string }> => {
    const { id } = (await (await post({ app: "app", version, image })).json()) as ReleaseJson;
    return (await (await settle(`/v1/releases/${id}`)).json()) as ReleaseJson & { manifestDigest: string };
  };
  const first = await push(1, "latest");
  const v1 = await announce("v1", `docker://${host}/team/app:latest`);
  assert.equal(v1.state, "ready");
  assert.equal(v1.manifestDigest, first.digest);
  assert.equal(v1.pullBytes, first.layerBytes);
  // The tag moves on, and the flat image of the first release is lost.
  const second = await push(2, "latest");
  const v2 = await announce("v2", `docker://${host}/team/app:latest`);
  assert.equal(v2.manifestDigest, second.digest);
  assert.notEqual(v1.flatDigest, v2.flatDigest);
  await rm(join(site.storeFolder, "image", `${v1.flatDigest.slice(7)}.flat`));
  const response = await settle(deltaPath(first.digest, v2.imageId));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-flatdelta-basis"), v1.flatDigest);
  await response.body?.cancel();
  assert.equal(maker.counts.flattened, 3);
  assert.equal((await announce("v3", `docker://${host}/team/none:1`)).state, "failed");
  await service.close();
});
