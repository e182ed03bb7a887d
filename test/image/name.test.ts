import assert from "node:assert/strict";
import { test } from "node:test";
import { familiarReference, parseImageName } from "../../src/image/name.ts";
import { formatPlatform, parsePlatform, rankPlatform } from "../../src/image/platform.ts";
import { isImageXattr } from "../../src/image/xattr.ts";

for (const [text, expected] of [
  ["docker-archive:/a/b.tar", { transport: "docker-archive", path: "/a/b.tar" }],
  [
    "docker-archive:b.tar:repo/app:1",
    { transport: "docker-archive", path: "b.tar", reference: "repo/app:1" },
  ],
  ["docker-archive:b.tar:@2", { transport: "docker-archive", path: "b.tar", reference: "@2" }],
  ["oci:layout:v1", { transport: "oci", path: "layout", reference: "v1" }],
  ["oci-archive:x.tar", { transport: "oci-archive", path: "x.tar" }],
  ["oci:C:\\images\\x:v1", { transport: "oci", path: "C:\\images\\x", reference: "v1" }],
  [
    "rootfs:/srv/root:/srv/config.json",
    { transport: "rootfs", path: "/srv/root", reference: "/srv/config.json" },
  ],
  ["flat:/a:b", { transport: "flat", path: "/a:b" }],
  ["image.tar", { transport: "auto", path: "image.tar" }],
  ["C:\\image.tar", { transport: "auto", path: "C:\\image.tar" }],
  ["docker://host:5000/app:1@sha256:00", { transport: "docker", path: "host:5000/app:1@sha256:00" }],
  ["docker-daemon:app:1", { transport: "docker-daemon", path: "app:1" }],
  ["./odd:name", { transport: "auto", path: "./odd:name" }],
] as const) {
  test(`the name ${text}`, () => assert.deepEqual(parseImageName(text), expected));
}

for (const text of ["containers-storage:alpine", "dir:/a"]) {
  test(`the transport of ${text} is refused by name`, () => {
    assert.throws(() => parseImageName(text), {
      code: "UNSUPPORTED_FEATURE",
      message: new RegExp(`${text.slice(0, text.indexOf(":"))}:`),
    });
  });
}

for (const text of [
  "",
  "oci:",
  "oci::v1",
  "docker-archive:a.tar:",
  "docker:alpine",
  "docker://",
  "docker-daemon:",
]) {
  test(`the name ${JSON.stringify(text)} is incomplete`, () => {
    assert.throws(() => parseImageName(text), RangeError);
  });
}

for (const [reference, familiar] of [
  ["redis", "redis:latest"],
  ["docker.io/library/redis:7", "redis:7"],
  ["docker.io/me/app", "me/app:latest"],
  ["library/redis", "redis:latest"],
  ["localhost:5000/library/redis", "localhost:5000/library/redis:latest"],
  ["quay.io/a/b@sha256:00", "quay.io/a/b@sha256:00"],
] as const) {
  test(`the reference ${reference} is ${familiar}`, () =>
    assert.equal(familiarReference(reference), familiar));
}

test("platforms are parsed, other names of architectures understood", () => {
  assert.deepEqual(parsePlatform("linux/arm/v7"), { os: "linux", architecture: "arm", variant: "v7" });
  assert.deepEqual(parsePlatform("Linux/x86_64"), { os: "linux", architecture: "amd64" });
  assert.equal(formatPlatform(parsePlatform("linux/aarch64/v8")), "linux/arm64/v8");
  for (const text of ["", "linux", "linux/", "linux/arm/v7/x", "linux /arm"]) {
    assert.throws(() => parsePlatform(text), RangeError, text);
  }
});

test("a processor runs its own variant and lower ones, the highest being best", () => {
  const arm = parsePlatform("linux/arm");
  const rank = (offered: string, wanted = "linux/arm"): number =>
    rankPlatform(parsePlatform(offered), parsePlatform(wanted));
  assert.equal(rankPlatform(arm, arm), 7);
  assert.ok(rank("linux/arm/v7") > rank("linux/arm/v6") && rank("linux/arm/v6") > rank("linux/arm/v5"));
  assert.equal(rank("linux/arm/v7", "linux/arm/v6"), -1);
  assert.equal(rank("linux/arm64", "linux/arm64/v8"), 8);
  assert.equal(rank("linux/amd64/v3", "linux/amd64"), -1);
  assert.equal(rank("windows/amd64", "linux/amd64"), -1);
  assert.equal(rank("linux/riscv64", "linux/riscv64"), 0);
});

test("attributes that belong to the machine are no part of an image", () => {
  for (const name of ["security.capability", "user.note", "trusted.note", "security.ima"]) {
    assert.equal(isImageXattr(name), true, name);
  }
  for (const name of [
    "security.selinux",
    "system.posix_acl_access",
    "trusted.overlay.opaque",
    "user.overlay.origin",
  ]) {
    assert.equal(isImageXattr(name), false, name);
  }
});
