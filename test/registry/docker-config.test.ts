import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { ErrorCode } from "../../src/errors.ts";
import { dockerCredentials } from "../../src/registry/node.ts";

const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });

async function makeFolder(context: TestContext, config?: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
  context.after(() => rm(folder, { recursive: true }));
  if (config !== undefined) await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

test("names and passwords, by host, as docker login keeps them", async (context) => {
  const folder = await makeFolder(context, {
    auths: {
      "https://index.docker.io/v1/": auth("hub:pass:with:colons"),
      "https://old.example/v1/": auth("old:secret\0\0"),
      "host.example:5000": { username: "a", password: "b" },
      "token.example": { ...auth("x:y"), identitytoken: "long" },
      "empty.example": {},
      "bad.example": auth("nothing"),
    },
  });
  const credentials = dockerCredentials({ env: { DOCKER_CONFIG: folder } });
  assert.deepEqual(await credentials("docker.io"), { username: "hub", password: "pass:with:colons" });
  assert.deepEqual(await credentials("old.example"), { username: "old", password: "secret" });
  assert.deepEqual(await credentials("host.example:5000"), { username: "a", password: "b" });
  assert.deepEqual(await credentials("token.example"), { identityToken: "long" });
  for (const host of ["empty.example", "host.example", "other.example"])
    assert.equal(await credentials(host), undefined);
  await assert.rejects(credentials("bad.example"), { code: ErrorCode.UNAUTHORIZED });
});

test("the file is that of REGISTRY_AUTH_FILE, DOCKER_CONFIG or the home folder, or the one that is named", async (context) => {
  const folder = await makeFolder(context, { auths: { h: { username: "config" } } });
  await mkdir(join(folder, ".docker"));
  await writeFile(join(folder, ".docker/config.json"), '{"auths":{"h":{"username":"home"}}}');
  await writeFile(join(folder, "auth.json"), '{"auths":{"h":{"username":"podman"}}}');
  const find = async (options: Parameters<typeof dockerCredentials>[0]) => {
    const found = await dockerCredentials(options)("h");
    return found !== undefined && "username" in found ? found.username : undefined;
  };
  const env = { HOME: folder, DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, "auth.json") };
  assert.equal(await find({ env }), "podman");
  assert.equal(await find({ env: { ...env, REGISTRY_AUTH_FILE: "" } }), "config");
  assert.equal(await find({ env: { HOME: folder } }), "home");
  assert.equal(await find({ env, path: join(folder, "config.json") }), "config");
  assert.equal(await find({ env: { DOCKER_CONFIG: join(folder, "nothing") } }), undefined);
  await assert.rejects(find({ env, path: join(folder, "nothing") }), { code: ErrorCode.UNAUTHORIZED });
  await writeFile(join(folder, "config.json"), "{");
  await assert.rejects(find({ env: { DOCKER_CONFIG: folder } }), { code: ErrorCode.UNAUTHORIZED });
});

test("credential helpers are asked by their protocol", {
  skip: process.platform === "win32",
}, async (context) => {
  const folder = await makeFolder(context, {
    credsStore: "store",
    credHelpers: { "aws.example": "own", "gone.example": "missing", "evil.example": "../evil" },
    auths: { "store.example": {} },
  });
  const helper = (name: string, script: string) =>
    writeFile(join(folder, `docker-credential-${name}`), `#!/bin/sh\nread host\n${script}\n`, {
      mode: 0o755,
    });
  await helper(
    "store",
    `case "$1 $host" in
    "get https://index.docker.io/v1/") echo '{"ServerURL":"x","Username":"<token>","Secret":"identity"}' ;;
    "get broken.example") echo "the keychain is locked"; exit 1 ;;
    "get silly.example") echo "secret" ;;
    *) echo "credentials not found in native keychain"; exit 1 ;;
    esac`,
  );
  await helper("own", `echo "{\\"Username\\":\\"AWS\\",\\"Secret\\":\\"for $host\\"}"`);
  const env = { DOCKER_CONFIG: folder, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const credentials = dockerCredentials({ env });
  assert.deepEqual(await credentials("aws.example"), { username: "AWS", password: "for aws.example" });
  assert.deepEqual(await credentials("docker.io"), { identityToken: "identity" });
  assert.equal(await credentials("unknown.example"), undefined);
  await assert.rejects(credentials("broken.example"), {
    code: ErrorCode.UNAUTHORIZED,
    message: /keychain is locked/,
  });
  await assert.rejects(credentials("silly.example"), (error: Error) => !error.message.includes("secret"));
  await assert.rejects(credentials("gone.example"), {
    code: ErrorCode.UNAUTHORIZED,
    message: /cannot be run/,
  });
  await assert.rejects(credentials("evil.example"), { code: ErrorCode.UNAUTHORIZED });
});
