/**
 * Debian's docker-registry on 127.0.0.1: its data and configuration live in one folder and end with it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryClient } from "../../src/registry/index.ts";

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** A running registry. */
export interface RunningRegistry {
  /** `127.0.0.1:PORT`. */
  host: string;
  stop(): Promise<void>;
}

/** A port that is free, and below those that the system gives to who asks for any: other tests run meanwhile. */
async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/**
 * Start a registry.
 *
 * @param auth - the `auth` part of its configuration (JSON, which is YAML too).
 * @throws Error with the end of its log when it does not come up in a minute.
 */
export async function startDockerRegistry(work: string, auth?: object): Promise<RunningRegistry> {
  mkdirSync(join(work, "data"), { recursive: true });
  const host = `127.0.0.1:${await findFreePort()}`;
  const config = join(work, "config.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: "warn" },
      storage: { filesystem: { rootdirectory: join(work, "data") } },
      http: { addr: host },
      ...(auth === undefined ? {} : { auth }),
    }),
  );
  const logFile = join(work, "log");
  const log = openSync(logFile, "w");
  const registry = spawn("docker-registry", ["serve", config], { stdio: ["ignore", log, log], cwd: work });
  const ended = new Promise((resolve) => registry.once("exit", resolve));
  const stop = async () => {
    registry.kill("SIGTERM");
    await ended;
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await new RegistryClient({ retry: { retries: 0 } }).ping(host);
      return { host, stop };
    } catch (error) {
      // It is there, and wants to know who asks.
      if ((error as { code?: unknown }).code === "UNAUTHORIZED") return { host, stop };
      if (Date.now() > deadline || registry.exitCode !== null) {
        await stop();
        throw new Error(`docker-registry does not answer; it said:\n${readFileSync(logFile, "utf8")}`, {
          cause: error,
        });
      }
    }
    await sleep(POLL_MS);
  }
}
