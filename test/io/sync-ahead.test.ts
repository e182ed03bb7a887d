/** Syncing what is written while more is being made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SyncAhead } from "../../src/io/sync-ahead.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a sync begins whenever enough is written, one at a time, and the end waits for it", async () => {
  let begun = 0;
  let end = (): void => {};
  const ahead = new SyncAhead(() => {
    begun++;
    return new Promise((resolve) => {
      end = () => resolve(true);
    });
  }, 100);
  ahead.note(99);
  assert.equal(begun, 0);
  ahead.note(1);
  assert.equal(begun, 1);
  for (let i = 0; i < 10; i++) ahead.note(100);
  assert.equal(begun, 1, "while one is under way there is no other");
  let settled = false;
  const settling = ahead.settle().then(() => {
    settled = true;
  });
  await turn();
  assert.ok(!settled);
  end();
  await settling;
  ahead.note(1);
  assert.equal(begun, 2, "what was written meanwhile counts");
});

test("a sync that cannot be is not tried again", async () => {
  let begun = 0;
  const ahead = new SyncAhead(async () => {
    begun++;
    return false;
  }, 1);
  for (let i = 0; i < 3; i++) {
    ahead.note(1);
    await turn();
  }
  await ahead.settle();
  assert.equal(begun, 1);
});

test("a sync that fails is told of at the end, by which the system has forgotten it", async () => {
  const lost = Object.assign(new Error("lost"), { code: "EIO" });
  let begun = 0;
  const ahead = new SyncAhead(async () => {
    begun++;
    if (begun === 1) throw lost;
    return true;
  }, 1);
  for (let i = 0; i < 3; i++) {
    ahead.note(1);
    await turn();
  }
  await assert.rejects(ahead.settle(), lost);
  await assert.rejects(ahead.settle(), lost);
});
