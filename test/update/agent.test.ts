/** Following announcements, and acting on them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ErrorCode } from "../../src/errors.ts";
import { parseEventStream, type ServerEvent, type StreamNotes } from "../../src/update/event-stream.ts";
import {
  followService,
  pollSource,
  type Release,
  runAgent,
  type UpdateResult,
} from "../../src/update/index.ts";
import { fileHandover } from "../../src/update/node.ts";
import { useFolder } from "../cli/harness.ts";
import { inPieces } from "../support/pairs.ts";
import { fastClock } from "./device.ts";
import { makeImage } from "./images.ts";
import { useService } from "./service-server.ts";

const at = useFolder();
const service = useService();

async function parse(
  text: string,
  pieceBytes = 1000,
): Promise<{ events: ServerEvent[]; notes: StreamNotes }> {
  const notes: StreamNotes = { retryMs: undefined };
  const events: ServerEvent[] = [];
  for await (const event of parseEventStream(inPieces(Buffer.from(text), pieceBytes), notes))
    events.push(event);
  return { events, notes };
}

test("events have types, data of several lines, and ids that stay", async () => {
  const { events, notes } = await parse(
    ": a comment\nretry: 250\nevent: release\nid: 7\ndata: one\ndata:two\n\nid\ndata\n\ndata: cut off",
  );
  assert.deepEqual(events, [
    { type: "release", data: "one\ntwo", lastId: "7" },
    { type: "message", data: "", lastId: "" },
  ]);
  assert.equal(notes.retryMs, 250);
});

test("lines may end in any way, and pieces anywhere", async () => {
  const lines = ["event: release", "id: 1", "data: grün", "", "data: x", ""];
  const expected = (await parse(lines.map((line) => `${line}\n`).join(""))).events;
  assert.equal(expected.length, 2);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("\n", "\r\n", "\r"), { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      async (ends, pieceBytes) => {
        // A lone CR before a LF would be one end of a line and not two.
        const text = lines
          .map((line, i) => line + (lines[i + 1] === "" && ends[i] === "\r" ? "\r\n" : ends[i]))
          .join("");
        const { events } = await parse(`${text}\n`, pieceBytes);
        assert.deepEqual(
          events.map(({ type, data }) => [type, data]),
          expected.map(({ type, data }) => [type, data]),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("an event without an end does not fill the memory", async () => {
  await assert.rejects(parse("data: ".padEnd(2_000_000, "x")), { code: ErrorCode.SIZE_LIMIT });
  await assert.rejects(parse(`data: ${"x".repeat(99_000)}\n`.repeat(12)), { code: ErrorCode.SIZE_LIMIT });
});

/** Wait until something holds; the test's own time-out ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Count what a follower yields, until it is stopped. */
function count(options: { pollMs?: number } = {}) {
  const stop = new AbortController();
  const clock = fastClock();
  const counted = { yields: 0, errors: [] as string[], stop: async (): Promise<void> => {} };
  const onError = (error: unknown): void => void counted.errors.push((error as { code: string }).code);
  const running = (async () => {
    for await (const _ of followService(service.url, "app", {
      ...options,
      signal: stop.signal,
      clock,
      onError,
    }))
      counted.yields++;
  })();
  counted.stop = async () => {
    stop.abort(new Error("enough"));
    await assert.rejects(running, /enough/);
  };
  return counted;
}

test("a service is followed by its events, over breaks", { timeout: 20_000 }, async () => {
  const image = await makeImage(1);
  service.reset(image);
  const counted = count();
  await until(() => counted.yields === 1 && service.listenerCount === 1);
  service.announce(image);
  await until(() => counted.yields === 2);
  service.cut();
  await until(() => service.listenerCount === 1);
  assert.equal(counted.yields, 2, "nothing is told twice");
  service.announce(image);
  await until(() => counted.yields === 3);
  await counted.stop();
  assert.ok(counted.errors.length >= 1);
});

test("where there are no events the service is asked again and again", { timeout: 20_000 }, async () => {
  const image = await makeImage(1);
  service.reset(image);
  service.fail("events", ...Array.from({ length: 10_000 }, () => ({ status: 503 })));
  const counted = count({ pollMs: 50 });
  await until(() => counted.errors.length > 3);
  assert.equal(counted.yields, 1);
  service.announce(image);
  await until(() => counted.yields === 2);
  await counted.stop();
  assert.equal(counted.errors.at(-1), "HTTP_STATUS");
});

test("a source is asked again and again, and what is new is told once", { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  const answers: (string | Error)[] = ["a", "a", new Error("broken"), "a", "b", "b"];
  let errors = 0;
  const source = {
    resolve: async (): Promise<Release> => {
      const answer = answers.shift() ?? new Error("enough");
      if (answers.length === 0) stop.abort(new Error("enough"));
      if (answer instanceof Error) throw answer;
      return { identity: answer };
    },
  };
  let yields = 0;
  const follow = pollSource(source as never, "app", {
    signal: stop.signal,
    clock: fastClock(),
    onError: () => errors++,
  });
  await assert.rejects(async () => {
    for await (const _ of follow) yields++;
  }, /enough/);
  assert.deepEqual([yields, errors], [2, 1]);
});

const resultOf = (digest: string): UpdateResult =>
  ({ done: "updated", digest: `sha256:${digest.repeat(64)}` }) as unknown as UpdateResult;

/** Announcements that a test makes. */
function bell() {
  let wake = (): void => {};
  let rung = 0;
  return {
    ring: () => {
      rung++;
      wake();
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<void> {
      for (let heard = 0; ; ) {
        if (heard < rung) {
          heard++;
          yield;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}

test("an agent tries again what failed, hands over once, and joins announcements", {
  timeout: 20_000,
}, async () => {
  const announcements = bell();
  const stop = new AbortController();
  const log: string[] = [];
  let updates = 0;
  const fail = (what: string): never => {
    throw new Error(what);
  };
  const steps: (() => string)[] = [
    () => fail("no network"),
    () => "a",
    () => "a",
    () => {
      for (let i = 0; i < 5; i++) announcements.ring();
      return "b";
    },
    () => "b",
  ];
  let starts = 0;
  const running = runAgent({
    announcements,
    update: async () => {
      const digest = steps[updates++]!();
      log.push(`update ${digest}`);
      // What was announced meanwhile is heard before it is over.
      await new Promise((resolve) => setImmediate(resolve));
      return resultOf(digest);
    },
    onReady: async ({ digest }) => {
      if (starts++ === 0) fail("the start failed");
      log.push(`start ${digest[7]}`);
      if (digest[7] === "a") announcements.ring();
    },
    handover: fileHandover(at("state")),
    onError: (error) => log.push((error as Error).message),
    signal: stop.signal,
    clock: { random: () => 0, sleep: (ms, signal) => (ms < 86_400_000 ? Promise.resolve() : never(signal)) },
  });
  await until(() => updates === 5 && log.at(-1) === "update b");
  stop.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  assert.deepEqual(log, [
    "no network",
    "update a",
    "the start failed",
    "update a",
    "start a",
    "update b",
    "start b",
    "update b",
  ]);
});

/** A sleep that only its signal ends. */
function never(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) => {
    if (signal!.aborted) reject(signal!.reason as Error);
    signal!.addEventListener("abort", () => reject(signal!.reason as Error), { once: true });
  });
}
