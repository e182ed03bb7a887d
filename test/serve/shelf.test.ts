/** The large files of a store: shared while they are open, evicted by use. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memorySource } from "../../src/io/index.ts";
import { Shelf } from "../../src/serve/shelf.ts";
import type { ServiceStore } from "../../src/serve/store.ts";

/** A store that counts what is open. */
function createShelf(limits: { maxBytes?: number; maxAgeMs?: number } = {}) {
  const files = new Map<string, Uint8Array>();
  const found = { open: 0, opened: 0, evicted: [] as string[], nowMs: 0 };
  const store: ServiceStore = {
    list: async () => [],
    open: async (name) => {
      found.open++;
      found.opened++;
      const bytes = files.get(name);
      if (bytes === undefined) throw Object.assign(new Error("none"), { code: "ENOENT" });
      let isOpen = true;
      return {
        ...memorySource(bytes),
        read: async (offset, into) => {
          assert.ok(isOpen, "read while it is open");
          into.set(bytes.subarray(offset, offset + into.length));
        },
        close: async () => {
          assert.ok(isOpen, "closed once");
          isOpen = false;
          found.open--;
        },
      };
    },
    create: async () => ({
      write: async () => {},
      commit: async (name) => {
        files.set(name, new Uint8Array(10));
      },
      discard: async () => {},
    }),
    touch: async () => {},
    remove: async (name) => {
      files.delete(name);
    },
  };
  const shelf = new Shelf(store, {
    limits: { maxBytes: limits.maxBytes ?? 1000, maxAgeMs: limits.maxAgeMs ?? 1000 },
    now: () => found.nowMs,
    onEvict: async (name) => {
      found.evicted.push(name);
    },
  });
  const put = (name: string) => shelf.put(async () => ({ name, sizeBytes: 10 }));
  return { shelf, files, found, put };
}

test("readers share what is open; who releases twice closes it for nobody else", async () => {
  const { shelf, found, put } = createShelf();
  await put("a");
  const [first, second] = [await shelf.pin("a"), await shelf.pin("a")];
  assert.equal(found.opened, 1);
  await first!.release();
  await first!.release();
  await second!.source.read(0, new Uint8Array(10));
  await second!.release();
  assert.equal(found.open, 0);
  await (await shelf.pin("a"))!.release();
  assert.deepEqual([found.opened, found.open], [2, 0]);
});

test("the least recently used goes first, never what is read or was just made", async () => {
  const { shelf, found, put } = createShelf({ maxBytes: 25 });
  for (const name of ["a", "b"]) {
    found.nowMs++;
    await put(name);
  }
  const reading = await shelf.pin("a");
  found.nowMs++;
  await put("c");
  assert.deepEqual(found.evicted, ["b"]);
  await reading!.release();
  found.nowMs++;
  await put("d");
  assert.deepEqual(found.evicted, ["b", "a"]);
  assert.equal(shelf.totalBytes, 20);
  const { shelf: small, put: putSmall, found: foundSmall } = createShelf({ maxBytes: 5 });
  await putSmall("larger than all");
  assert.ok(small.has("larger than all"));
  await putSmall("next");
  assert.deepEqual(foundSmall.evicted, ["larger than all"]);
});

test("a file that is gone is forgotten", async () => {
  const { shelf, files, found, put } = createShelf();
  await put("a");
  files.delete("a");
  assert.equal(await shelf.pin("a"), undefined);
  assert.equal(shelf.has("a"), false);
  assert.equal(shelf.totalBytes, 0);
  assert.deepEqual(found.evicted, ["a"]);
});

test("a draft that fails, or is not kept, leaves nothing", async () => {
  const { shelf, files } = createShelf();
  await assert.rejects(
    shelf.put(async () => {
      throw new Error("no room");
    }),
    /no room/,
  );
  await shelf.put(async () => undefined);
  assert.equal(files.size, 0);
  assert.equal(shelf.totalBytes, 0);
});
