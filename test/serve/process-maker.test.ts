/** Images read and deltas made in other processes. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { toHex } from "../../src/bytes/index.ts";
import { sha256 } from "../../src/hash/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { createFolderStore, createProcessMaker } from "../../src/serve/node.ts";
import { createSite, deltaPath, openService, type ReleaseJson, type Site, watchMaker } from "./fixture.ts";

let site: Site;
before(async () => {
  site = await createSite([1, 2]);
});
after(() => site.remove());

test("a service whose work is done in other processes", async () => {
  const maker = createProcessMaker({ imagesFolder: site.imagesFolder, level: 1, workers: 0 });
  const { announce, settle, post, service } = await openService(site, { maker: watchMaker(maker) });
  const [v1, v2] = [await announce(1), await announce(2)];
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await settle(path)).arrayBuffer());
  const delta = await bytes(deltaPath(v1.flatDigest, v2.flatDigest));
  const sink = memorySink();
  await applyDelta(memorySource(await bytes(`/v1/images/${v1.flatDigest}`)), memorySource(delta), sink);
  assert.equal(`sha256:${toHex(sha256(sink.bytes()))}`, v2.flatDigest);
  const { id } = (await (await post({ app: "app", version: "v3", image: "none.tar" })).json()) as ReleaseJson;
  assert.match(await (await settle(`/v1/releases/${id}`)).text(), /"error":"IMAGE_NOT_FOUND"/);
  await service.close();
  assert.deepEqual(await readdir(join(site.storeFolder, "draft")), []);
});

test("what is aborted ends its process", async () => {
  const store = await createFolderStore(`${site.storeFolder}-aborted`);
  const draft = await store.create();
  const reason = new Error("enough");
  const controller = new AbortController();
  const work = createProcessMaker({ imagesFolder: site.imagesFolder }).flatten("v1.tar", draft, {
    signal: controller.signal,
  });
  controller.abort(reason);
  await assert.rejects(work, reason);
  await draft.discard();
});

test("a store without files is refused", async () => {
  const draft = { write: async () => {}, commit: async () => {}, discard: async () => {} };
  const context = { signal: new AbortController().signal };
  assert.throws(() => createProcessMaker().flatten("v1.tar", draft, context), TypeError);
});
