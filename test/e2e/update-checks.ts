/**
 * The whole way of a release: pushed to a registry, announced, made into deltas, applied by devices, run by Docker.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual, makeFolder } from "./checks.ts";
import { Daemon, waitUntil } from "./daemon.ts";
import { startDockerRegistry } from "./docker-registry.ts";
import { startEngine } from "./dockerd.ts";
import { copyImage, unpackWithUmoci } from "./images.ts";
import { startStallingProxy } from "./stalling-proxy.ts";
import { flatdelta, PAIR, run } from "./tools.ts";

const TOKEN = "a-token-of-the-end-to-end-suite";
const VERSIONS = ["v1", "v2", "v3"] as const;
type Version = (typeof VERSIONS)[number];
// Text that no coder makes small, so that a delta with it is long enough to break off in the middle.
const ADDED = Array.from({ length: 1_000 }, (_, i) =>
  createHash("sha256").update(String(i)).digest("hex"),
).join("");
const DEVICE_TIMEOUT_MS = 60_000;

/** The three versions in a layout: the pair of the fixtures, and its second image with one file more. */
function buildVersions(folder: string): string {
  const layout = join(folder, "versions");
  copyImage(`docker-archive:${join(PAIR, "old.tar")}`, `oci:${layout}:v1`);
  copyImage(`docker-archive:${join(PAIR, "new.tar")}`, `oci:${layout}:v2`);
  const bundle = join(folder, "bundle");
  const tree = unpackWithUmoci(layout, "v2", bundle);
  writeFileSync(join(tree, "app", "added"), ADDED);
  run("umoci", ["repack", "--image", `${layout}:v3`, bundle]);
  return layout;
}

/** A registry with the first versions, a service that may read from it, and what devices should end with. */
class Site {
  readonly context: CheckContext;
  readonly registryHost: string;
  readonly service: Daemon;
  readonly url: string;
  readonly #layout: string;
  /** SHA-256 of the flat images, made without registry and service. */
  readonly digests: Record<Version, string>;

  constructor(
    context: CheckContext,
    parts: { registryHost: string; service: Daemon; url: string; layout: string },
  ) {
    this.context = context;
    this.registryHost = parts.registryHost;
    this.service = parts.service;
    this.url = parts.url;
    this.#layout = parts.layout;
    const digests: Partial<Record<Version, string>> = {};
    for (const version of VERSIONS) {
      const { flatSha256 } = flatdelta(
        "flatten",
        `oci:${parts.layout}:${version}`,
        "-o",
        this.at(`${version}.flat`),
      );
      digests[version] = String(flatSha256);
    }
    this.digests = digests as Record<Version, string>;
  }

  at(name: string): string {
    return join(this.context.work, name);
  }

  imageName(version: Version): string {
    return `docker://${this.registryHost}/gateway:${version}`;
  }

  /** Push a version and announce it. */
  async release(version: Version): Promise<void> {
    run("skopeo", [
      ...["copy", "--quiet", "--dest-tls-verify=false"],
      ...[`oci:${this.#layout}:${version}`, this.imageName(version)],
    ]);
    const response = await fetch(`${this.url}/v1/releases`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ app: "gateway", version, image: this.imageName(version) }),
    });
    expectEqual(response.status, 202, `status of announcing ${version}`);
    await this.service.expect(new RegExp(`"release-ready","app":"gateway","version":"${version}"`, "u"));
  }

  /** A device's folder holds its image under this path; it has none without a version. */
  device(name: string, version?: Version): string {
    const path = join(makeFolder(this.context, name), "image.flat");
    if (version !== undefined) copyFileSync(this.at(`${version}.flat`), path);
    return path;
  }

  /** Fleet and device variables of a device. */
  variables(device: Readonly<Record<string, string>> = {}): string[] {
    const path = this.at(`variables-${Object.keys(device).length}.json`);
    const all = { fleetVariables: { RESIN_SUPERVISOR_DELTA: "1" }, deviceVariables: device };
    writeFileSync(path, JSON.stringify(all));
    return ["--variables", path];
  }

  async expectVersion(image: string, version: Version, what: string): Promise<void> {
    expectEqual(await hashFile(image), this.digests[version], `SHA-256 of the image on ${what}`);
  }
}

async function withSite(context: CheckContext, use: (site: Site) => Promise<void>): Promise<void> {
  const registry = await startDockerRegistry(makeFolder(context, "registry"));
  const tokens = join(context.work, "tokens");
  writeFileSync(tokens, `write ${TOKEN}\n`);
  const service = Daemon.flatdelta([
    ...["serve", "--port", "0", "--log", "json", "--token-file", tokens],
    ...["--store", join(context.work, "store"), "--allow-registry", registry.host],
  ]);
  try {
    const url = await service.expect(/"event":"listening","url":"([^"]+)"/u);
    const layout = buildVersions(context.work);
    await use(new Site(context, { registryHost: registry.host, service, url, layout }));
    expectEqual(await service.stop(), 0, "how the service ended");
  } finally {
    await service.stop();
    await registry.stop();
  }
}

function hasDownloads(workFolder: string): boolean {
  return readdirSync(workFolder).some(
    (name) => name.endsWith(".delta") && statSync(join(workFolder, name)).size > 0,
  );
}

/** A device that follows announcements is killed in the middle of a download and goes on after its restart. */
async function checkKilledDevice(site: Site): Promise<string> {
  const image = site.device("killed", "v2");
  const hooked = site.at("hooked");
  const proxy = await startStallingProxy(site.url);
  const args = [
    ...["agent", "--from", proxy.url, "--app", "gateway", "--current", image, "--in-place", "--log", "json"],
    ...["--hook", `printf '%s %s\\n' "$FLATDELTA_DIGEST" "$FLATDELTA_RELEASE" >> ${hooked}`],
    ...site.variables(),
  ];
  try {
    const first = Daemon.flatdelta(args);
    try {
      await waitUntil(
        () => site.service.said.includes('"target":"/v1/apps/gateway/latest"'),
        "the device asks",
      );
      await site.release("v3");
      await proxy.stalled;
      await waitUntil(() => hasDownloads(`${image}.update`), "some of the delta has arrived");
    } finally {
      expectEqual(await first.stop("SIGKILL"), "SIGKILL", "how the device ended");
    }
    const second = Daemon.flatdelta(args);
    try {
      const isUpdated = (): boolean =>
        existsSync(hooked) && readFileSync(hooked, "utf8").includes(`sha256:${site.digests.v3} gateway:v3`);
      await waitUntil(isUpdated, `the hook runs; the device said: ${second.said}`, DEVICE_TIMEOUT_MS);
    } finally {
      await second.stop();
    }
  } finally {
    proxy.stop();
  }
  await site.expectVersion(image, "v3", "the device that was killed");
  if (!/"target":"\/v1\/delta\?[^"]*","status":206/u.test(site.service.said))
    throw new Error("expected the download to go on where it broke off, it began anew");
  return image;
}

/** Devices that ask by themselves, once. */
async function checkUpdates(site: Site): Promise<void> {
  const update = (image: string, ...more: string[]): Record<string, unknown> =>
    flatdelta("update", "--current", image, "--quiet", ...more);
  const service = ["--from", site.url, "--app", "gateway"];

  const oldest = site.device("oldest", "v1");
  const direct = update(oldest, ...service, ...site.variables());
  expectEqual(direct.by, "deltas", "how the device with v1 was updated");
  expectEqual(direct.hopCount, 1, "deltas that it took");
  await site.expectVersion(oldest, "v3", "the device with v1");

  const empty = site.device("empty");
  expectEqual(
    update(empty, ...service, ...site.variables()).by,
    "pull",
    "how the device without an image was updated",
  );
  await site.expectVersion(empty, "v3", "the device without an image");

  const off = site.device("off", "v2");
  const variables = site.variables({ BALENA_SUPERVISOR_DELTA: "0" });
  expectEqual(update(off, ...service, ...variables).by, "pull", "how the device with deltas off was updated");
  await site.expectVersion(off, "v3", "the device with deltas off");

  for (const [from, to] of [
    ["v1", "v2"],
    ["v2", "v3"],
  ] as const) {
    flatdelta("publish", site.imageName(from), site.imageName(to), "--to", site.imageName(to));
  }
  const chained = site.device("chained", "v1");
  const chain = update(chained, "--from", site.imageName("v3"), ...site.variables());
  expectEqual(chain.by, "deltas", "how the device with v1 was updated from the registry");
  expectEqual(chain.hopCount, 2, "deltas that it took from the registry");
  await site.expectVersion(chained, "v3", "the device that knows the registry alone");
}

/** What a device has made is an image that Docker runs. */
async function checkRuns(image: string): Promise<void> {
  // A socket's path is short: not below the check's own folder.
  const folder = mkdtempSync(join(tmpdir(), "fd-"));
  const engine = await startEngine(folder);
  try {
    const loaded = /(?:Loaded image ID|Loaded image): (\S+)/u.exec(
      engine.docker("load", "--quiet", "--input", image),
    )?.[1];
    if (loaded === undefined) throw new Error("expected docker load to name an image");
    const options = ["run", "--rm", "--network", "none"];
    const printed = engine.docker(...options, loaded);
    expectEqual(printed, readFileSync(join(PAIR, "new.txt"), "utf8"), "what the container prints");
    const added = engine.docker(
      ...options,
      "--entrypoint",
      "/bin/sh",
      loaded,
      "-c",
      'print -n "$(</app/added)"',
    );
    expectEqual(added, ADDED, "what the third version added");
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const UPDATE_CHECKS: readonly Check[] = [
  {
    claim:
      "devices that are announced a release come to its exact image by a delta, a chain or a pull, also when killed, and docker runs it",
    run: (context) =>
      withSite(context, async (site) => {
        await site.release("v1");
        await site.release("v2");
        const image = await checkKilledDevice(site);
        await checkUpdates(site);
        await checkRuns(image);
      }),
  },
];
