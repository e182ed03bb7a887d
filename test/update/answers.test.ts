/** What a service must not answer, and what comes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "../../src/errors.ts";
import { parseEventStream } from "../../src/update/event-stream.ts";
import { type Release, serviceSource } from "../../src/update/index.ts";

const DIGEST = `sha256:${"1".repeat(64)}`;
const RELEASE: Release = { identity: "app:1", flatDigest: DIGEST };
/** What JSON can hold and no primitive value can be made of. */
const ODD = { toString: 1, valueOf: 1 };

const sourceOf = (answer: unknown, status = 200) =>
  serviceSource("https://deltas.example", {
    fetch: async () => new Response(JSON.stringify(answer), { status }),
  });

test("releases that are none are passed over", async () => {
  const found = { app: "app", version: "2", flatDigest: DIGEST };
  const release = await sourceOf({ releases: [null, 1, [], {}, found] }).resolve("app:2", {});
  assert.equal(release.identity, "app:2");
  for (const releases of [[null], Array(1000).fill({ sequence: ODD }), Array(1000).fill({ sequence: 0 })])
    await assert.rejects(sourceOf({ releases }).resolve("app:2", {}), { code: ErrorCode.NOT_FOUND });
});

test("a refusal that gives no reason is one all the same", async () => {
  const answer = await sourceOf({ code: "NOT_FOUND", message: ODD }, 404).findDeltas(DIGEST, RELEASE, {});
  assert.deepEqual(answer, { hops: [], reason: "no delta (NOT_FOUND)" });
});

test("a stream of events keeps to its limits, whatever the event is made of", async () => {
  const all = async (line: string, times: number): Promise<number> => {
    const pieces = async function* () {
      for (let i = 0; i < times; i++) yield new TextEncoder().encode(line);
    };
    let count = 0;
    for await (const _ of parseEventStream(pieces())) count++;
    return count;
  };
  const event = `data: ${"x".repeat(1000)}\n`;
  assert.equal(await all(event, 60), 0, "its end has not come");
  assert.equal(await all(`${event}\n`, 200), 200);
  for (const endless of ["data\n".repeat(1000), event, "x".repeat(1000)])
    await assert.rejects(all(endless, 70), { code: ErrorCode.SIZE_LIMIT });
});
