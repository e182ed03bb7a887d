/** Rate, percentage and log lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatUpdateEvent,
  toPercentage,
  type UpdateEvent,
  type UpdatePhase,
} from "../../src/update/index.ts";
import { SlidingRate } from "../../src/update/rate.ts";

const progress = (phase: UpdatePhase, doneBytes = 0, totalBytes = 0, hop = 1, hopCount = 1): UpdateEvent => ({
  type: "progress",
  phase,
  doneBytes,
  totalBytes,
  ratePerSecond: 0,
  etaSeconds: undefined,
  savedBytes: undefined,
  hop,
  hopCount,
});

function percentages(events: readonly UpdateEvent[]): number[] {
  const shown: number[] = [];
  const onEvent = toPercentage((percent) => shown.push(percent));
  for (const event of events) onEvent(event);
  return shown;
}

test("a rate is that of the last five seconds", () => {
  const rate = new SlidingRate();
  assert.equal(rate.update(0, 0), 0);
  assert.equal(rate.update(1000, 500), 500);
  for (let second = 2; second <= 20; second++)
    rate.update(second * 1000, second < 10 ? 500 : (second - 9) * 1000);
  assert.equal(rate.update(21_000, 12_000), 1000);
  assert.equal(rate.update(22_000, 5), 0, "less than before is another piece of work");
});

test("a rate needs little memory, however often it is asked", () => {
  const rate = new SlidingRate();
  for (let ms = 0; ms < 60_000; ms++) rate.update(ms, ms * 7);
  assert.equal(Math.round(rate.update(60_000, 420_000)), 7000);
});

test("the percentage of an update by a delta", () => {
  const events = [
    progress("check", 50, 100, 0, 0),
    progress("request", 0, 0, 0, 0),
    progress("download", 0, 200),
    progress("download", 100, 200),
    progress("download", 200, 200),
    progress("check", 100, 100),
    progress("apply", 100, 100),
    progress("verify", 100, 100),
    progress("done", 1, 1),
  ];
  assert.deepEqual(percentages(events), [0, 25, 50, 60, 95, 99, 100]);
});

test("a chain shares the hundred, and a fallback never goes back", () => {
  assert.deepEqual(
    percentages([
      progress("download", 1, 1, 1, 2),
      progress("apply", 1, 1, 1, 2),
      progress("download", 0, 1, 2, 2),
      progress("pull", 10, 100, 0, 0),
      progress("pull", 90, 100, 0, 0),
      progress("apply", 50, 100, 0, 0),
      progress("done", 1, 1),
    ]),
    [25, 47, 50, 54, 77, 100],
  );
});

test("whatever comes, the percentage only rises, and is 100 only when all is done", () => {
  const phase = fc.constantFrom<UpdatePhase>(
    "request",
    "wait",
    "download",
    "check",
    "apply",
    "verify",
    "pull",
  );
  const event = fc
    .tuple(phase, fc.nat(1000), fc.nat(1000), fc.nat(4), fc.nat(4))
    .map(([word, done, total, hop, hops]) => progress(word, done, total, Math.min(hop, hops), hops));
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const shown = percentages(events);
      assert.ok(
        shown.every(
          (percent, i) =>
            Number.isInteger(percent) &&
            percent >= 0 &&
            percent < 100 &&
            (i === 0 || percent > shown[i - 1]!),
        ),
      );
      assert.equal(percentages([...events, progress("done")]).at(-1), 100);
    }),
  );
});

test("a log has a line for everything but progress", () => {
  assert.equal(formatUpdateEvent(progress("download")), undefined);
  assert.equal(formatUpdateEvent({ type: "log", message: "as it is" }), "as it is");
  assert.equal(
    formatUpdateEvent({
      type: "attempt",
      phase: "download",
      attempt: 2,
      delayMs: 500,
      code: "TIMEOUT",
      reason: "silence",
    }),
    "download: attempt 2 failed, the next one is in 500 ms: silence (TIMEOUT)",
  );
  assert.equal(
    formatUpdateEvent({ type: "fallback", to: "beside", code: "NO_SPACE", reason: "no room" }),
    "applying the delta beside the image: no room (NO_SPACE)",
  );
});
