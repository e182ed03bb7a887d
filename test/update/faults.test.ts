/**
 * What a server, a network and a disk can do to an update: each time the device ends with the right image, or with the old one
 * intact, and its log says why.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ErrorCode } from "../../src/errors.ts";
import { resolvePolicy, type UpdateSession, type UpdateSite } from "../../src/update/index.ts";
import { flatFile } from "../../src/update/node.ts";
import { useFolder } from "../cli/harness.ts";
import { type Outcome, TestDevice } from "./device.ts";
import { makeImage, makeTestDelta, type TestImage } from "./images.ts";
import { type Fault, type Route, useService } from "./service-server.ts";

const at = useFolder();
const service = useService();
let [v1, v2, v3]: TestImage[] = [];
let [to2, to3]: Uint8Array[] = [];

before(async () => {
  [v1, v2, v3] = [await makeImage(1), await makeImage(2), await makeImage(3)];
  [to2, to3] = [await makeTestDelta(v1, v2), await makeTestDelta(v1, v3)];
});

const RETRIES = 4;
const always = (fault: Fault): Fault[] => Array.from({ length: 60 }, () => fault);
const status = (code: number, headers: Record<string, string> = {}): Fault => ({ status: code, headers });
const garbage = (length: number): Fault => ({ bytes: new Uint8Array(length).fill(0x67) });

interface Cell {
  name: string;
  route: Route;
  faults: () => Fault[];
  /** How the image comes in spite of it, or the code of the error that leaves the old one. */
  ends: "deltas" | "pull" | ErrorCode;
  /** What the log, or the error, says. */
  says?: RegExp;
  /** What else is to be seen. */
  check?: (outcome: Outcome) => void;
  /** Whether the server is silent for a while: the time-out is short then. */
  isSlow?: boolean;
}

const requestsOf = (route: Route): string[] => service.requests.filter((line) => line.startsWith(route));

const CELLS: readonly Cell[] = [
  // What the service is asked first.
  { name: "401", route: "latest", faults: () => [status(401)], ends: "UNAUTHORIZED", says: /HTTP 401/ },
  { name: "404", route: "latest", faults: () => [status(404)], ends: "NOT_FOUND", says: /HTTP 404/ },
  {
    name: "500 once",
    route: "latest",
    faults: () => [status(500)],
    ends: "deltas",
    says: /request: attempt 1 failed.*HTTP 500/,
  },
  {
    name: "500 for ever",
    route: "latest",
    faults: () => always(status(500)),
    ends: "HTTP_STATUS",
    check: () => assert.equal(requestsOf("latest").length, RETRIES + 1),
  },
  { name: "closed", route: "latest", faults: () => [{ closeAfter: -1 }], ends: "deltas" },
  // Asking for a delta.
  {
    name: "400",
    route: "info",
    faults: () => [status(400)],
    ends: "pull",
    says: /no delta to give: .*HTTP 400.*\(HTTP_STATUS\)/,
  },
  { name: "401", route: "info", faults: () => [status(401)], ends: "UNAUTHORIZED", says: /HTTP 401/ },
  { name: "403", route: "info", faults: () => [status(403)], ends: "UNAUTHORIZED", says: /HTTP 403/ },
  {
    name: "404, no such basis",
    route: "info",
    faults: () => [{ status: 404, body: '{"code":"NO_BASIS","message":"nobody knows it"}' }],
    ends: "pull",
    says: /nobody knows it \(NO_BASIS\)/,
  },
  {
    name: "404 of somebody else",
    route: "info",
    faults: () => [{ status: 404, body: "<html>" }],
    ends: "pull",
    says: /BAD_RESPONSE/,
  },
  { name: "410", route: "info", faults: () => [status(410)], ends: "pull", says: /HTTP 410/ },
  {
    name: "422, a pull is cheaper",
    route: "info",
    faults: () => [{ status: 422, body: '{"code":"PULL_IS_CHEAPER","message":"it is no smaller"}' }],
    ends: "pull",
    says: /no smaller \(PULL_IS_CHEAPER\)/,
  },
  {
    name: "429 with Retry-After",
    route: "info",
    faults: () => [status(429, { "retry-after": "7" })],
    ends: "deltas",
    check: ({ slept }) => assert.deepEqual(slept, [7000]),
  },
  {
    name: "429 for ever",
    route: "info",
    faults: () => always(status(429)),
    ends: "pull",
    says: /retries are used up: .*HTTP 429.*TOO_MANY_REQUESTS/,
    check: () => assert.equal(requestsOf("info").length, RETRIES + 1),
  },
  {
    name: "500, as often as is allowed",
    route: "info",
    faults: () => Array.from({ length: RETRIES }, () => status(500)),
    ends: "deltas",
    check: ({ result }) => assert.equal(result!.fallback, undefined),
  },
  {
    name: "500 for ever",
    route: "info",
    faults: () => always(status(500)),
    ends: "pull",
    says: /retries are used up: .*HTTP 500/,
  },
  { name: "503 once", route: "info", faults: () => [status(503)], ends: "deltas" },
  ...[202, 502, 504].flatMap((code): Cell[] => [
    {
      name: `${code}, ready after ${RETRIES * 2}`,
      route: "info",
      faults: () => Array.from({ length: RETRIES * 2 }, () => status(code, { "retry-after": "3" })),
      ends: "deltas",
      says: /wait: attempt 8 failed/,
      check: ({ slept, events }) => {
        assert.deepEqual(slept, Array(RETRIES * 2).fill(3000));
        assert.ok(events.some((event) => event.type === "progress" && event.phase === "wait"));
      },
    },
    {
      name: `${code} for ever`,
      route: "info",
      faults: () => always(status(code, { "retry-after": "30" })),
      ends: "pull",
      says: /still being made: .*\(NOT_READY\)/,
      check: ({ slept }) =>
        assert.equal(
          slept.reduce((sum, ms) => sum + ms, 0),
          600_000,
        ),
    },
  ]),
  { name: "garbage", route: "info", faults: () => [garbage(500)], ends: "pull", says: /BAD_RESPONSE/ },
  { name: "closed before the answer", route: "info", faults: () => [{ closeAfter: -1 }], ends: "deltas" },
  {
    name: "closed in the answer",
    route: "info",
    faults: () => [{ closeAfter: 10 }],
    ends: "deltas",
    says: /UNREACHABLE/,
  },
  {
    name: "no answer",
    route: "info",
    faults: () => [{ stallAfter: -1 }],
    ends: "deltas",
    says: /TIMEOUT/,
    isSlow: true,
  },
  {
    name: "half an answer",
    route: "info",
    faults: () => [{ stallAfter: 10 }],
    ends: "deltas",
    says: /TIMEOUT/,
    isSlow: true,
  },
  // The download.
  { name: "401", route: "delta", faults: () => [status(401)], ends: "UNAUTHORIZED", says: /HTTP 401/ },
  { name: "403", route: "delta", faults: () => [status(403)], ends: "UNAUTHORIZED", says: /HTTP 403/ },
  { name: "404", route: "delta", faults: () => [status(404)], ends: "pull", says: /HTTP 404/ },
  { name: "429", route: "delta", faults: () => [status(429)], ends: "deltas" },
  { name: "500", route: "delta", faults: () => [status(500)], ends: "deltas" },
  {
    name: "500 for ever",
    route: "delta",
    faults: () => always(status(500)),
    ends: "pull",
    says: /retries are used up/,
  },
  { name: "502", route: "delta", faults: () => [status(502)], ends: "deltas" },
  { name: "504", route: "delta", faults: () => [status(504)], ends: "deltas" },
  {
    name: "closed in the body",
    route: "delta",
    faults: () => [{ closeAfter: 30_000 }],
    ends: "deltas",
    says: /download: attempt 1 failed/,
    check: ({ result }) => {
      assert.deepEqual(requestsOf("delta"), ["delta 0", "delta 30000"]);
      assert.equal(result!.downloadedBytes, to2!.length);
    },
  },
  {
    name: "closed again and again, with some bytes each time",
    route: "delta",
    faults: () => Array.from({ length: RETRIES * 3 }, () => ({ closeAfter: 5000 })),
    ends: "deltas",
    check: () => assert.equal(requestsOf("delta").length, RETRIES * 3 + 1),
  },
  {
    name: "closed again and again, with none",
    route: "delta",
    faults: () => always({ closeAfter: 0 }),
    ends: "pull",
    says: /retries are used up/,
    check: () => assert.equal(requestsOf("delta").length, RETRIES + 1),
  },
  {
    name: "stands still",
    route: "delta",
    faults: () => [{ stallAfter: 30_000 }],
    ends: "deltas",
    says: /TIMEOUT/,
    isSlow: true,
    check: () => assert.deepEqual(requestsOf("delta"), ["delta 0", "delta 30000"]),
  },
  {
    name: "garbage once",
    route: "delta",
    faults: () => [garbage(to2!.length)],
    ends: "deltas",
    says: /DIGEST_MISMATCH/,
    check: ({ result }) => assert.equal(result!.fallback, undefined),
  },
  {
    name: "garbage for ever",
    route: "delta",
    faults: () => always(garbage(to2!.length)),
    ends: "pull",
    says: /other bytes than it offered/,
    check: () => assert.equal(requestsOf("delta").length, 4),
  },
  {
    name: "too short",
    route: "delta",
    faults: () => always(garbage(100)),
    ends: "pull",
    says: /other bytes than it offered/,
  },
  {
    name: "too long",
    route: "delta",
    faults: () => always(garbage(to2!.length + 1)),
    ends: "pull",
    says: /other bytes/,
  },
  {
    name: "another delta",
    route: "delta",
    faults: () => always({ bytes: to3! }),
    ends: "pull",
    says: /other bytes/,
  },
  // The pull, with deltas switched off.
  { name: "401", route: "image", faults: () => [status(401)], ends: "UNAUTHORIZED" },
  { name: "404", route: "image", faults: () => [status(404)], ends: "NOT_FOUND" },
  {
    name: "closed in the body",
    route: "image",
    faults: () => [{ closeAfter: 100_000 }],
    ends: "pull",
    says: /pull: attempt 1 failed/,
  },
  { name: "500 for ever", route: "image", faults: () => always(status(500)), ends: "HTTP_STATUS" },
  { name: "garbage", route: "image", faults: () => [garbage(460_800)], ends: "DIGEST_MISMATCH" },
];

async function runCell({ route, faults, isSlow = false }: Cell, inPlace: boolean) {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  service.fail(route, ...faults());
  const device = new TestDevice(at);
  await device.put(v1!);
  const defaults = {
    retryCount: RETRIES,
    requestTimeoutMs: isSlow ? 300 : 20_000,
    useDeltas: route !== "image",
  };
  const outcome = await device.update(service.url, { inPlace, policy: resolvePolicy({ defaults }) });
  return { device, outcome };
}

for (const [i, cell] of CELLS.entries()) {
  test(`${cell.route}, ${cell.name}: ${cell.ends}`, async () => {
    const { device, outcome } = await runCell(cell, i % 2 === 0);
    const { result, error, log } = outcome;
    cell.check?.(outcome);
    if (cell.ends === "deltas" || cell.ends === "pull") {
      assert.equal(error, undefined);
      assert.equal(result!.by, cell.ends, log);
      assert.equal(await device.digest(), v2!.digest);
      assert.deepEqual(await device.leftovers(), []);
    } else {
      assert.equal(error?.code, cell.ends, String(error?.stack));
      assert.equal(await device.digest(), v1!.digest, "the old image is intact");
      service.fail(cell.route);
      await device.update(service.url);
      assert.equal(await device.digest(), v2!.digest, "the next run gets there");
    }
    if (cell.says !== undefined) assert.match(`${log}\n${error?.message}`, cell.says);
  });
}

test("a delta that is never ready is left for the next run where that is wanted", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  service.fail("info", ...always(status(504)));
  const device = new TestDevice(at);
  await device.put(v1!);
  const { error } = await device.update(service.url, { whenNotReady: "report", readyWithinMs: 20_000 });
  assert.deepEqual([error?.code, await device.digest()], ["NOT_READY", v1!.digest]);
});

test("a delta that is no smaller than a pull is not downloaded", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, to2!);
  service.pullBytes = to2!.length;
  const device = new TestDevice(at);
  await device.put(v1!);
  const { result } = await device.update(service.url);
  assert.deepEqual([result!.by, result!.fallback!.code], ["pull", "PULL_IS_CHEAPER"]);
  assert.deepEqual(requestsOf("delta"), []);
});

/** A delta that is whole, but not what it is offered as; or damaged where it was made. */
const WRONG_DELTAS: readonly [name: string, delta: () => Uint8Array, code: ErrorCode][] = [
  ["to another target", () => to3!, "TARGET_MISMATCH"],
  ["cut off where it was made", () => to2!.slice(0, 50_000), "TRUNCATED"],
  ["damaged where it was made", () => damage(to2!), "CORRUPT_BODY"],
  ["of another kind of file", () => new Uint8Array(1000).fill(7), "BAD_MAGIC"],
  ["of a later version", () => laterVersion(to2!), "UNSUPPORTED_VERSION"],
];

/** Damage the checksum at the end: what a flipped bit elsewhere shows as depends on the codec. */
function damage(delta: Uint8Array): Uint8Array {
  const bytes = delta.slice();
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}

function laterVersion(delta: Uint8Array): Uint8Array {
  const bytes = delta.slice();
  bytes[8] = 99;
  return bytes;
}

for (const inPlace of [false, true]) {
  for (const [name, makeDelta, code] of WRONG_DELTAS) {
    test(`a delta ${name} leads to a pull, ${inPlace ? "in place" : "beside"}`, async () => {
      service.reset(v1!, v2!);
      service.addDelta(v1!, v2!, makeDelta());
      const device = new TestDevice(at);
      await device.put(v1!);
      const { result, log } = await device.update(service.url, { inPlace });
      assert.equal(result!.by, "pull", log);
      assert.equal(result!.fallback!.code, code);
      assert.deepEqual([await device.digest(), await device.leftovers()], [v2!.digest, []]);
    });
  }
}

test("a pull that fails after a fallback leaves the old image", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, damage(to2!));
  service.fail("image", status(404));
  const device = new TestDevice(at);
  await device.put(v1!);
  const { error, log } = await device.update(service.url, { inPlace: true });
  assert.deepEqual([error?.code, await device.digest()], ["NOT_FOUND", v1!.digest]);
  assert.match(log, /pulling the whole image: .*damaged/);
});

/** A flat file on a disk that is full for some of what is done there. */
function fullDisk(
  path: string,
  inPlace: boolean,
  full: readonly ("work" | "in place" | "beside" | "install")[],
): UpdateSite {
  const check = (what: (typeof full)[number]): void => {
    if (full.includes(what)) throw Object.assign(new Error(`no space left: ${what}`), { code: "ENOSPC" });
  };
  return {
    open: async () => {
      const session = await flatFile(path, { inPlace }).open();
      return new Proxy(session, {
        get(target, name: keyof UpdateSession) {
          if (name === "applyDelta") {
            return async (...args: Parameters<UpdateSession["applyDelta"]>) => {
              check(inPlace && !args[2].isBeside ? "in place" : "beside");
              return target.applyDelta(...args);
            };
          }
          if (name === "install") {
            return async (...args: Parameters<UpdateSession["install"]>) => {
              check("install");
              return target.install(...args);
            };
          }
          if (name === "work" && full.includes("work"))
            return { ...target.work, freeBytes: async () => 1000 };
          const value = target[name];
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}

const FULL_DISKS: readonly [
  full: readonly ("work" | "in place" | "beside" | "install")[],
  inPlace: boolean,
  ends: "deltas" | "pull" | "ENOSPC",
  says: RegExp,
][] = [
  [["work"], true, "pull", /no room for the delta: expected 79\d+ free bytes/],
  [["in place"], true, "deltas", /applying the delta beside the image: no space left: in place/],
  [["in place", "beside"], true, "pull", /pulling the whole image: .*no space left: beside/],
  [["beside"], false, "pull", /pulling the whole image: .*no space left: beside/],
  [["in place", "beside", "install"], true, "ENOSPC", /pulling the whole image/],
];

for (const [full, inPlace, ends, says] of FULL_DISKS) {
  test(`no room: ${full.join(", ")}${inPlace ? "" : ", not in place"}: ${ends}`, async () => {
    service.reset(v1!, v2!);
    service.addDelta(v1!, v2!, to2!);
    const device = new TestDevice(at);
    await device.put(v1!);
    const { result, error, log } = await device.update(service.url, {
      current: fullDisk(device.path, inPlace, full),
    });
    assert.equal(result?.by ?? error?.code, ends, String(error?.stack));
    assert.equal(await device.digest(), ends === "ENOSPC" ? v1!.digest : v2!.digest);
    assert.match(log, says);
  });
}

test("a delta that can be applied as a stream only is applied beside", async () => {
  service.reset(v1!, v2!);
  service.addDelta(v1!, v2!, await makeTestDelta(v1!, v2!, false));
  const device = new TestDevice(at);
  await device.put(v1!);
  const { result, log } = await device.update(service.url, { inPlace: true });
  assert.deepEqual([result!.by, await device.digest()], ["deltas", v2!.digest]);
  assert.match(log, /beside the image: .*stream only.*UNSUPPORTED_FEATURE/);
});

for (const isBegun of [false, true]) {
  test(`applying takes too long, ${isBegun ? "with the first byte overwritten" : "with nothing overwritten"}`, async () => {
    service.reset(v1!, v2!);
    service.addDelta(v1!, v2!, to2!);
    const device = new TestDevice(at);
    await device.put(v1!);
    const current: UpdateSite = {
      open: async () => {
        const session = await flatFile(device.path, { inPlace: true }).open();
        const applyDelta: UpdateSession["applyDelta"] = (_offer, _delta, _how, { signal }) =>
          new Promise((_, reject) => {
            signal!.addEventListener("abort", () => reject(signal!.reason as Error), { once: true });
          });
        return new Proxy(session, {
          get(target, name: keyof UpdateSession) {
            if (name === "applyDelta") return applyDelta;
            if (name === "hasBegun") return async () => isBegun;
            const value = target[name];
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    };
    const policy = resolvePolicy({ device: { BALENA_SUPERVISOR_DELTA_APPLY_TIMEOUT: 20 } });
    const { result, error, log } = await device.update(service.url, { current, policy });
    if (isBegun) assert.deepEqual([error?.code, requestsOf("image")], ["TIMEOUT", []]);
    else
      assert.deepEqual(
        [result!.by, result!.fallback!.code, await device.digest()],
        ["pull", "TIMEOUT", v2!.digest],
        log,
      );
  });
}
