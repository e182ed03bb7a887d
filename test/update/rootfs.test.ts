/** An unpacked root file system as the place of an update. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readRange } from "../../src/io/index.ts";
import { rootfsFolder } from "../../src/update/node.ts";
import { useFolder } from "../cli/harness.ts";
import { buildTree, deltaBetween, flattenFolder, type Item, type Items } from "../rootfs/real-tree.ts";
import { TestDevice } from "./device.ts";
import { digestOf, type TestImage } from "./images.ts";
import { useService } from "./service-server.ts";

const at = useFolder();
const service = useService();
const skip = process.platform === "linux" && process.getuid!() === 0 ? false : "needs root on Linux";

const file = (content: string): Item => ({
  kind: "file",
  content,
  mode: 0o644,
  uid: 0,
  mtimeSeconds: 1_000_000,
  nanoseconds: 0,
  xattr: "",
});

const OLD: Items = { "etc/motd": file("hello"), "etc/same": file("same"), "usr/gone": file("gone") };
const NEW: Items = { "etc/motd": file("hello again"), "etc/same": file("same"), "usr/new": file("new") };

/** A folder on the device, and both images at the service. */
async function prepare(): Promise<{ old: TestImage; wanted: TestImage; delta: Uint8Array }> {
  buildTree(at("app"), OLD);
  buildTree(at("wanted"), NEW);
  const imageOf = async (folder: string): Promise<TestImage> => {
    const flat = await flattenFolder(folder);
    return { layers: [], archive: flat, flat, digest: digestOf(flat) };
  };
  const [old, wanted] = [await imageOf(at("app")), await imageOf(at("wanted"))];
  service.reset(old, wanted);
  const delta = await deltaBetween(at("app"), at("wanted"));
  return { old, wanted, delta: await readRange(delta, 0, delta.size) };
}

for (const by of ["deltas", "pull"] as const) {
  test(`a folder is updated by ${by}`, { skip }, async () => {
    const { old, wanted, delta } = await prepare();
    if (by === "deltas") service.addDelta(old, wanted, delta);
    const current = rootfsFolder(at("app"));
    const { result, error } = await new TestDevice(at).update(service.url, { current });
    assert.equal(error, undefined);
    assert.deepEqual([result!.by, result!.digest], [by, wanted.digest]);
    assert.equal(digestOf(await flattenFolder(at("app"))), wanted.digest);
    assert.equal(await readFile(at("app/etc/motd"), "utf8"), "hello again");
    const again = await new TestDevice(at).update(service.url, { current });
    assert.equal(again.result!.done, "none");
  });
}

test("a folder that is not there cannot be updated", async () => {
  const { error } = await new TestDevice(at).update(service.url, { current: rootfsFolder(at("missing")) });
  assert.equal(error?.code, "ENOENT");
});
