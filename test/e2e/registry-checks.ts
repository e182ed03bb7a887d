/**
 * A real registry, filled by skopeo: images are read from it and deltas published in it.
 *
 * @module
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import { createAtomicFile } from "../../src/io/node.ts";
import { startThread } from "../../src/io/start-thread.ts";
import { findDeltas, openDelta, RegistryClient } from "../../src/registry/index.ts";
import { dockerCredentials } from "../../src/registry/node.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual, makeFolder } from "./checks.ts";
import { type RunningRegistry, startDockerRegistry } from "./docker-registry.ts";
import { TOKEN_ISSUER } from "./token-issuer.ts";
import type { TokenServiceSettings } from "./token-service.ts";
import { flatdelta, PAIR, run, runCli } from "./tools.ts";

async function withRegistry(
  work: string,
  auth: object | undefined,
  use: (registry: RunningRegistry) => Promise<void> | void,
): Promise<void> {
  const registry = await startDockerRegistry(work, auth);
  try {
    await use(registry);
  } finally {
    await registry.stop();
  }
}

function push(from: string, to: string, ...options: string[]): void {
  run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", ...options, from, to]);
}

async function checkPull(context: CheckContext): Promise<void> {
  await withRegistry(makeFolder(context, "registry"), undefined, async ({ host }) => {
    const flat = async (name: string, file: string): Promise<string> => {
      const path = join(context.work, file);
      flatdelta("flatten", name, "-o", path, "--force");
      return hashFile(path);
    };
    const archive = `docker-archive:${join(PAIR, "new.tar")}`;
    const expected = await flat(archive, "archive.flat");
    push(archive, `docker://${host}/app:docker`);
    expectEqual(
      await flat(`docker://${host}/app:docker`, "pulled.flat"),
      expected,
      "SHA-256 of the pulled image",
    );
    for (const { name, layout, tag } of context.images) {
      const ofLayout = await flat(`oci:${layout}:${tag}`, "layout.flat");
      const images: [from: string, format: string][] = [[`oci:${layout}:${tag}`, "gzip"]];
      // Layers are compressed anew only where they are not compressed.
      if (name !== "stress") images.push([`docker-archive:${join(PAIR, `${name}.tar`)}`, "zstd"]);
      for (const [from, format] of images) {
        const image = `docker://${host}/team/${name}:${format}`;
        push(from, image, "--format", "oci", "--dest-compress-format", format);
        expectEqual(
          await flat(image, "pulled.flat"),
          ofLayout,
          `SHA-256 of ${name} with ${format} layers, pulled`,
        );
      }
    }
  });
}

/** The pair as `app:1` and `app:2`, published, found and applied as a device would. */
async function publishAndFind(work: string, host: string, config?: string): Promise<void> {
  const path = (name: string): string => join(work, name);
  const options = config === undefined ? [] : ["--registry-config", config];
  const [old, fresh] = [`docker://${host}/team/app:1`, `docker://${host}/team/app:2`];
  const authfile = config === undefined ? [] : ["--authfile", config];
  push(`docker-archive:${join(PAIR, "old.tar")}`, old, ...authfile);
  push(`docker-archive:${join(PAIR, "new.tar")}`, fresh, ...authfile);
  const report = flatdelta("publish", old, fresh, ...options);
  flatdelta("publish", old, fresh, "--level", "1", ...options);

  const client = new RegistryClient(
    config === undefined ? {} : { credentials: dockerCredentials({ path: config }) },
  );
  flatdelta("flatten", old, "-o", path("old.flat"), ...options);
  const installed = `sha256:${await hashFile(path("old.flat"))}`;
  const { deltas } = await findDeltas(fresh, { client });
  expectEqual(deltas.length, 2, "deltas that are found");
  const delta = deltas.find(({ basisFlatDigest }) => basisFlatDigest === installed)!;
  expectEqual(delta.deltaDigest, report.deltaDigest, "the smaller of the two deltas");
  const file = await createAtomicFile(path("update.delta"));
  for await (const piece of await openDelta(client, delta)) await file.write(piece);
  await file.commit();
  flatdelta("patch", path("old.flat"), path("update.delta"), "-o", path("made.flat"));
  flatdelta("flatten", join(PAIR, "new.tar"), "-o", path("new.flat"));
  expectEqual(
    await hashFile(path("made.flat")),
    await hashFile(path("new.flat")),
    "SHA-256 of what the delta makes",
  );
}

async function checkPublish(context: CheckContext): Promise<void> {
  await withRegistry(makeFolder(context, "registry"), undefined, ({ host }) =>
    publishAndFind(context.work, host),
  );
}

// "device" and "secret", as `htpasswd -B` has them.
const HTPASSWD = "device:$2y$05$7MFouDTjAHJ/k8O4kll7u.PL3m7rtQzzoxkK9rKwxWNVoLyxKk7w6";
const LOGIN = Buffer.from("device:secret").toString("base64");

/** The token service on a thread of its own: this one stands still while programs run. */
async function startTokenService(work: string) {
  const [key, certificate] = [join(work, "key.pem"), join(work, "certificate.pem")];
  run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tokens", "-days", "2"],
    ...["-keyout", key, "-out", certificate],
  ]);
  const thread = startThread(new URL("./token-service.ts", import.meta.url));
  thread.postMessage({ key, certificate, login: LOGIN } satisfies TokenServiceSettings);
  const [port] = (await once(thread, "message")) as [number];
  const realm = `http://127.0.0.1:${port}/token`;
  const auth = { token: { realm, service: "registry", issuer: TOKEN_ISSUER, rootcertbundle: certificate } };
  return { auth, stop: () => thread.terminate() };
}

/** Nobody gets in without the password; who has it publishes and finds. */
async function checkWithLogin(context: CheckContext, auth: object): Promise<void> {
  await withRegistry(makeFolder(context, "registry"), auth, async ({ host }) => {
    const nobody = join(context.work, "nobody.json");
    writeFileSync(nobody, "{}");
    const refused = runCli(
      "publish",
      `docker://${host}/a:1`,
      `docker://${host}/a:2`,
      "--registry-config",
      nobody,
    );
    expectEqual(refused.exitCode, 10, "exit code without credentials");
    expectEqual(refused.stderr.includes("(UNAUTHORIZED)"), true, "the error is UNAUTHORIZED");
    const login = join(context.work, "login.json");
    writeFileSync(login, JSON.stringify({ auths: { [host]: { auth: LOGIN } } }));
    await publishAndFind(context.work, host, login);
  });
}

async function checkBasic(context: CheckContext): Promise<void> {
  const htpasswd = join(context.work, "htpasswd");
  writeFileSync(htpasswd, HTPASSWD);
  await checkWithLogin(context, { htpasswd: { realm: "test", path: htpasswd } });
}

async function checkToken(context: CheckContext): Promise<void> {
  const { auth, stop } = await startTokenService(context.work);
  try {
    await checkWithLogin(context, auth);
  } finally {
    await stop();
  }
}

export const REGISTRY_CHECKS: readonly Check[] = [
  {
    claim:
      "images in a registry, of skopeo's, with gzip and zstd layers, flatten to the bytes of their archives",
    run: checkPull,
  },
  {
    claim: "a delta that is published in a registry is found there, and makes the target",
    run: checkPublish,
  },
  { claim: "the same in a registry that wants name and password", run: checkBasic },
  { claim: "the same in a registry that wants signed tokens of a token service", run: checkToken },
];
