import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatBytes, formatCount, formatDuration, formatShare, formatSize } from "../../src/cli/format.ts";

test("whole bytes have separators", () => {
  assert.equal(formatBytes(0), "0 bytes");
  assert.equal(formatBytes(1), "1 byte");
  assert.equal(formatBytes(999), "999 bytes");
  assert.equal(formatBytes(1_000), "1,000 bytes");
  assert.equal(formatBytes(2 ** 53 - 1), "9,007,199,254,740,991 bytes");
});

test("separators change nothing else", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (count) => {
      assert.equal(Number(formatCount(count).replaceAll(",", "")), count);
      assert.match(formatCount(count), /^[0-9]{1,3}(,[0-9]{3})*$/);
    }),
  );
});

test("sizes have a unit and at most four digits", () => {
  assert.equal(formatSize(0), "0 B");
  assert.equal(formatSize(999), "999 B");
  assert.equal(formatSize(1_000), "1.0 kB");
  assert.equal(formatSize(12_345), "12.3 kB");
  assert.equal(formatSize(99_960), "100 kB");
  assert.equal(formatSize(999_600), "1.0 MB");
  assert.equal(formatSize(4_294_967_296), "4.3 GB");
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) =>
      assert.match(formatSize(bytes), /^([0-9]{1,3}|[0-9]{1,2}\.[0-9]) [kMGTP]?B$/),
    ),
  );
});

test("shares are of something", () => {
  assert.equal(formatShare(1, 8), "12.5 %");
  assert.equal(formatShare(1, 1000), "0.10 %");
  assert.equal(formatShare(0, 10), "0.0 %");
  assert.equal(formatShare(0, 0), "0.0 %");
});

test("durations are seconds, minutes, hours", () => {
  assert.equal(formatDuration(0.416), "0.42 s");
  assert.equal(formatDuration(59.999), "1:00");
  assert.equal(formatDuration(187), "3:07");
  assert.equal(formatDuration(3723), "1:02:03");
});
