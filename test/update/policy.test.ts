/** The variables of fleet and device, and what they decide. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_POLICY, moveToFleet, resolvePolicy, type Variables } from "../../src/update/index.ts";

const BALENA = "BALENA_SUPERVISOR_DELTA";
const RESIN = "RESIN_SUPERVISOR_DELTA";

test("without variables the defaults hold, and the caller's own before them", () => {
  assert.deepEqual(resolvePolicy({}).policy, DEFAULT_POLICY);
  const { policy, origins, warnings } = resolvePolicy({ defaults: { retryCount: 3 } });
  assert.deepEqual(policy, { ...DEFAULT_POLICY, retryCount: 3 });
  assert.deepEqual([origins.retryCount, warnings], ["default", []]);
});

const SWITCHES: readonly (readonly [value: Variables[string], expected: boolean | "ignored"])[] = [
  ...["1", "true", "True", " ON ", "yes", true, 1].map((value) => [value, true] as const),
  ...["0", "false", "FALSE", "off", "no ", false, 0].map((value) => [value, false] as const),
  ...["2", "maybe", "10", "tru", -1].map((value) => [value, "ignored"] as const),
];

for (const [value, expected] of SWITCHES) {
  test(`the switch ${JSON.stringify(value)} is ${expected}`, () => {
    const { policy, warnings } = resolvePolicy({
      device: { [BALENA]: value },
      defaults: { useDeltas: expected !== true },
    });
    assert.equal(policy.useDeltas, expected === "ignored" ? true : expected);
    assert.equal(warnings.length, expected === "ignored" ? 1 : 0);
  });
}

const NUMBERS: readonly (readonly [value: Variables[string], expected: number | "ignored"])[] = [
  ["5000", 5000],
  [" 7 ", 7],
  ["+8", 8],
  ["9.0", 9],
  ["007", 7],
  [0, 0],
  ["2147483647", 2147483647],
  ["2147483648", "ignored"],
  ["-1", "ignored"],
  ["1.5", "ignored"],
  ["1e3", "ignored"],
  ["0x10", "ignored"],
  ["10s", "ignored"],
  [true, "ignored"],
  [Number.NaN, "ignored"],
];

for (const [value, expected] of NUMBERS) {
  test(`the number ${JSON.stringify(value)} is ${expected}`, () => {
    const { policy, warnings } = resolvePolicy({ fleet: { [`${RESIN}_REQUEST_TIMEOUT`]: value } });
    assert.equal(
      policy.requestTimeoutMs,
      expected === "ignored" ? DEFAULT_POLICY.requestTimeoutMs : expected,
    );
    assert.equal(warnings.length, expected === "ignored" ? 1 : 0);
  });
}

test("all six variables are read", () => {
  const { policy, origins } = resolvePolicy({
    fleet: {
      [RESIN]: "1",
      [`${RESIN}_VERSION`]: "2",
      [`${RESIN}_REQUEST_TIMEOUT`]: "30000",
      [`${RESIN}_APPLY_TIMEOUT`]: "600000",
      [`${RESIN}_RETRY_COUNT`]: "5",
      [`${RESIN}_RETRY_INTERVAL`]: "1000",
    },
  });
  assert.deepEqual(policy, {
    useDeltas: true,
    version: 2,
    requestTimeoutMs: 30_000,
    applyTimeoutMs: 600_000,
    retryCount: 5,
    retryIntervalMs: 1000,
  });
  assert.equal(origins.applyTimeoutMs, `${RESIN}_APPLY_TIMEOUT of the fleet`);
});

test("the device wins over the fleet whatever the prefix, BALENA over RESIN at one place", () => {
  // Each place holds another number: the strongest that is set must come out.
  const places: readonly (readonly ["device" | "fleet", string])[] = [
    ["device", `${BALENA}_RETRY_COUNT`],
    ["device", `${RESIN}_RETRY_COUNT`],
    ["fleet", `${BALENA}_RETRY_COUNT`],
    ["fleet", `${RESIN}_RETRY_COUNT`],
  ];
  for (let set = 0; set < 2 ** places.length; set++) {
    const variables = { device: {} as Record<string, string>, fleet: {} as Record<string, string> };
    const chosen = places.filter((_, i) => (set & (2 ** i)) !== 0);
    for (const [owner, name] of chosen)
      variables[owner][name] = String(100 + places.findIndex((p) => p[0] === owner && p[1] === name));
    const strongest = places.findIndex((_, i) => (set & (2 ** i)) !== 0);
    const expected = strongest < 0 ? DEFAULT_POLICY.retryCount : 100 + strongest;
    assert.equal(resolvePolicy(variables).policy.retryCount, expected, JSON.stringify(variables));
  }
});

test("what is not understood is told, and the next place is asked", () => {
  const { policy, warnings } = resolvePolicy({
    device: { [BALENA]: "perhaps", [`${BALENA}_RETRY`]: "1", OTHER: "x", [`${BALENA}_RETRY_COUNT`]: " " },
    fleet: { [RESIN]: "off", [`${RESIN}_RETRY_COUNT`]: "2" },
  });
  assert.deepEqual([policy.useDeltas, policy.retryCount], [false, 2]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /^BALENA_SUPERVISOR_DELTA_RETRY of the device: expected one of/);
  assert.match(warnings[1]!, /^BALENA_SUPERVISOR_DELTA of the device: expected 1, 0, .*found "perhaps"/);
});

test("a version that is no delta version switches deltas off, and says so", () => {
  const { policy, origins, warnings } = resolvePolicy({ fleet: { [`${BALENA}_VERSION`]: 1 } });
  assert.equal(policy.useDeltas, false);
  assert.equal(origins.useDeltas, `${BALENA}_VERSION of the fleet`);
  assert.match(warnings[0]!, /expected delta version 2 or 3, found 1/);
});

test("a device that moves to another fleet keeps its own values, and no others", () => {
  const stored = {
    fleet: "old",
    fleetVariables: { [BALENA]: "1", [`${BALENA}_RETRY_COUNT`]: "1" },
    deviceVariables: { [RESIN]: "0" },
  };
  const moved = moveToFleet(JSON.parse(JSON.stringify(stored)) as typeof stored, {
    name: "new",
    variables: { [BALENA]: "1" },
  });
  assert.equal(moved.fleet, "new");
  const { policy } = resolvePolicy({ fleet: moved.fleetVariables, device: moved.deviceVariables });
  assert.deepEqual([policy.useDeltas, policy.retryCount], [false, DEFAULT_POLICY.retryCount]);
});

test("no variables, whatever they hold, make a policy that cannot be used", () => {
  const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.integer().map(String), fc.constant(null));
  const suffix = fc.constantFrom(
    "",
    "_VERSION",
    "_REQUEST_TIMEOUT",
    "_APPLY_TIMEOUT",
    "_RETRY_COUNT",
    "_RETRY_INTERVAL",
    "_X",
  );
  const variables = fc.dictionary(
    fc.tuple(fc.constantFrom(BALENA, RESIN), suffix).map(([stem, end]) => stem + end),
    value,
  );
  fc.assert(
    fc.property(variables, variables, (fleet, device) => {
      const { useDeltas, ...numbers } = resolvePolicy({ fleet, device }).policy;
      assert.equal(typeof useDeltas, "boolean");
      for (const number of Object.values(numbers))
        assert.ok(Number.isSafeInteger(number) && number >= 0 && number < 2 ** 31);
    }),
  );
});
