import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProgressBar, formatProgress } from "../../src/cli/progress-bar.ts";

test("a line tells phase, share, bytes, rate and time left", () => {
  assert.equal(
    formatProgress({ phase: "match", doneBytes: 25_000_000, totalBytes: 100_000_000 }, 500, 120),
    "match    [######------------------]   25%  25.0 MB of 100 MB  50.0 MB/s  ETA 0:02",
  );
});

test("at the start there is no rate to tell", () => {
  const line = formatProgress({ phase: "read", doneBytes: 0, totalBytes: 10 }, 0, 120);
  assert.equal(line, "read     [------------------------]    0%  0 B of 10 B");
});

test("nothing to do is done", () => {
  assert.match(
    formatProgress({ phase: "write", doneBytes: 0, totalBytes: 0 }, 5, 120),
    / 100% {2}0 B of 0 B/,
  );
});

test("no line is as wide as the terminal, and no number is out of range", () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      fc.nat(),
      fc.nat(200),
      (done, total, elapsedMs, columns) => {
        const line = formatProgress(
          { phase: "match", doneBytes: done, totalBytes: total },
          elapsedMs,
          columns,
        );
        assert.ok(line.length < Math.max(columns, 1));
        assert.doesNotMatch(line, /NaN|Infinity|undefined|-[0-9]/);
      },
    ),
  );
});

test("the bar is drawn ten times a second at most, at once for a new phase, and wiped", () => {
  const written: string[] = [];
  const last = () => written[written.length - 1] ?? "";
  let nowMs = 0;
  const bar = createProgressBar({ columns: 80, write: (text) => written.push(text) }, () => nowMs);
  bar.clear();
  assert.deepEqual(written, [], "nothing to wipe before the first line");
  for (nowMs = 0; nowMs < 1000; nowMs += 10) {
    bar.onProgress({ phase: "read", doneBytes: nowMs, totalBytes: 1000 });
  }
  assert.equal(written.length, 10);
  bar.onProgress({ phase: "write", doneBytes: 1, totalBytes: 1000 });
  assert.ok(last().startsWith("\rwrite ") && last().endsWith("\x1b[K"));
  bar.clear();
  bar.clear();
  assert.equal(last(), "\r\x1b[K");
  assert.equal(written.length, 12);
});
