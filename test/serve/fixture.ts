/** A delta service over small images in a folder, with makers that can be counted, held up and made to fail. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeltaServiceOptions } from "../../src/serve/index.ts";
import {
  createDeltaService,
  createInlineMaker,
  type DeltaService,
  type Maker,
} from "../../src/serve/index.ts";
import { createFolderStore } from "../../src/serve/node.ts";
import { readReleaseImage } from "../../src/serve/read-release-image.ts";
import { buildOldDockerArchive, buildTar } from "../image/build-image.ts";
import { makeBytes } from "../support/pairs.ts";

/** A token that may announce. */
export const WRITE_TOKEN = "write-token-0123456789";
/** A token that may only read. */
export const READ_TOKEN = "read-token-01234567890";

/** The archive of a version: 50 kB that stay, and some that differ. */
export async function buildVersion(version: number): Promise<Uint8Array> {
  const changing = makeBytes(3_000, version + 1);
  return buildOldDockerArchive([
    await buildTar([
      ["app/", "", { type: "directory", mode: 0o755 }],
      ["app/same", makeBytes(50_000, 99)],
      ["app/version", `version ${version}\n`],
      ["app/changing", changing],
    ]),
  ]);
}

/** A maker that waits at a gate, counts, and fails when it is told to. */
export interface WatchedMaker extends Maker {
  readonly counts: { flattened: number; made: number; running: number; mostRunning: number };
  /** Work begun from now on waits until `release` is called. */
  hold(): { release: () => void };
  /** What the next pieces of work of a kind fail with. */
  failures: { flatten?: Error | undefined; delta?: Error | undefined };
}

export function watchMaker(maker: Maker): WatchedMaker {
  const counts = { flattened: 0, made: 0, running: 0, mostRunning: 0 };
  let gate: Promise<void> = Promise.resolve();
  const failures: WatchedMaker["failures"] = {};
  async function run<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    counts.running++;
    counts.mostRunning = Math.max(counts.mostRunning, counts.running);
    try {
      signal.throwIfAborted();
      await Promise.race([
        gate,
        new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      ]);
      return await work();
    } finally {
      counts.running--;
    }
  }
  return {
    counts,
    failures,
    hold: () => {
      let release = (): void => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return { release: () => release() };
    },
    flatten: (image, into, context) =>
      run(context.signal, () => {
        counts.flattened++;
        if (failures.flatten !== undefined) throw failures.flatten;
        return maker.flatten(image, into, context);
      }),
    makeDelta: (basis, target, into, context) =>
      run(context.signal, () => {
        counts.made++;
        if (failures.delta !== undefined) throw failures.delta;
        return maker.makeDelta(basis, target, into, context);
      }),
  };
}

/** A folder with images, and one for a store. */
export interface Site {
  readonly imagesFolder: string;
  readonly storeFolder: string;
  addVersion(version: number, name?: string): Promise<void>;
  remove(): Promise<void>;
}

export async function createSite(versions: readonly number[] = [1, 2]): Promise<Site> {
  const root = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
  const site: Site = {
    imagesFolder: join(root, "images"),
    storeFolder: join(root, "store"),
    addVersion: async (version, name = `v${version}.tar`) =>
      writeFile(join(root, "images", name), await buildVersion(version)),
    remove: () => rm(root, { recursive: true }),
  };
  await mkdir(site.imagesFolder);
  for (const version of versions) await site.addVersion(version);
  return site;
}

/** A service that is open, and short ways to ask it. */
export interface OpenService {
  readonly service: DeltaService;
  readonly maker: WatchedMaker;
  readonly events: string[];
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Response>;
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Announce a version and wait until it is ready. */
  announce(version: number, app?: string): Promise<ReleaseJson>;
  /** Ask until the answer is not "still being made". */
  settle(path: string): Promise<Response>;
}

export interface ReleaseJson {
  id: string;
  state: string;
  version: string;
  sequence: number;
  flatDigest: string;
  flatBytes: number;
  pullBytes: number;
  imageId: string;
}

/** Let what is under way go on. */
export const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

export async function openService(
  site: Site,
  options: Partial<DeltaServiceOptions> & { maker?: WatchedMaker } = {},
): Promise<OpenService> {
  const maker =
    options.maker ??
    watchMaker(
      createInlineMaker({
        readImage: (name, signal) => readReleaseImage(name, { imagesFolder: site.imagesFolder }, signal),
        delta: { level: 1 },
      }),
    );
  const events: string[] = [];
  const service = await createDeltaService({
    store: await createFolderStore(site.storeFolder),
    images: { files: true },
    tokens: [{ token: WRITE_TOKEN, right: "write" }],
    ahead: 0,
    onEvent: ({ event }) => events.push(event),
    ...options,
    maker,
  });
  const get: OpenService["get"] = (path, headers = {}, method = "GET") =>
    service.handle(new Request(`http://service${path}`, { method, headers }));
  const post: OpenService["post"] = (body, headers = {}) =>
    service.handle(
      new Request("http://service/v1/releases", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${WRITE_TOKEN}`, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    );
  const settle: OpenService["settle"] = async (path) => {
    for (;;) {
      const response = await get(path, { authorization: `Bearer ${WRITE_TOKEN}` });
      if (response.status !== 202) return response;
      await tick();
    }
  };
  const announce: OpenService["announce"] = async (version, app = "app") => {
    const response = await post({ app, version: `v${version}`, image: `v${version}.tar` });
    const { id } = (await response.json()) as ReleaseJson;
    return (await (await settle(`/v1/releases/${id}`)).json()) as ReleaseJson;
  };
  return { service, maker, events, get, post, announce, settle };
}

/** The path that asks for a delta. */
export const deltaPath = (src: string, dest: string, path = "/v1/delta"): string =>
  `${path}?${new URLSearchParams({ src, dest })}`;
