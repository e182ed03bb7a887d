import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "../../src/errors.ts";
import { formatReference, parseReference } from "../../src/registry/index.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

for (const [text, whole] of [
  ["redis", "docker.io/library/redis:latest"],
  ["redis:7", "docker.io/library/redis:7"],
  ["docker://redis:7", "docker.io/library/redis:7"],
  ["index.docker.io/redis", "docker.io/library/redis:latest"],
  ["grafana/loki", "docker.io/grafana/loki:latest"],
  ["localhost/app", "localhost/app:latest"],
  ["localhost:5000/app:1.0", "localhost:5000/app:1.0"],
  ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"],
  ["[::1]:5000/app", "[::1]:5000/app:latest"],
  ["ghcr.io/a__b/c-d--e/f.g_h:V_1.-x", "ghcr.io/a__b/c-d--e/f.g_h:V_1.-x"],
  ["Registry/app", "Registry/app:latest"],
  [`app@${DIGEST}`, `docker.io/library/app@${DIGEST}`],
  [`quay.io/app:1@${DIGEST}`, `quay.io/app:1@${DIGEST}`],
] as const) {
  test(`${text} is ${whole}`, () => {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), whole);
    assert.deepEqual(parseReference(whole), reference);
  });
}

for (const text of [
  "",
  ":tag",
  "UPPER",
  "a/UPPER",
  "a//b",
  "/a",
  "a/",
  "a..b",
  "a___b",
  "-a",
  "a:",
  `a:${"x".repeat(129)}`,
  "a:ta/g",
  "a:.tag",
  "a b",
  "a@",
  "a@sha256",
  "host:port/a",
  "ho_st.example/a",
  "host.example:123456/a",
  "../../etc.passwd/a",
  "a/../b",
  "a?x=1",
  "a#b",
  "https://host.example/a",
  "host.example/a%2fb",
  `h.example/${"a".repeat(250)}`,
]) {
  test(`refused: ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parseReference(text), RangeError);
  });
}

test("digests are SHA-256 of 64 digits", () => {
  assert.throws(() => parseReference("a@sha256:12"), { code: ErrorCode.BAD_MANIFEST });
  assert.throws(() => parseReference(`a@sha512:${"0".repeat(128)}`), { code: ErrorCode.UNSUPPORTED_FEATURE });
});
