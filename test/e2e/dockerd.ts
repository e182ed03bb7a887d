/**
 * A Docker engine of our own: its socket, data and processes live in one folder and end with it.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./tools.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 200;

/** The programs of an engine that is Docker's, or understands what Docker's does. */
export interface EnginePrograms {
  daemon: string;
  client: string;
  /** Folder with more programs that the daemon looks for. */
  folder?: string;
}

const DOCKER: EnginePrograms = { daemon: "dockerd", client: "docker" };

/** A running engine. */
export interface Engine {
  /** Where it listens, as `DOCKER_HOST` has it. */
  host: string;
  /** Run its client against it. */
  docker(...args: string[]): string;
  stop(): Promise<void>;
}

/**
 * Start an engine.
 *
 * @param work - an empty folder with a short path: a socket's path has at most 107 bytes.
 * @throws Error with the end of the engine's log when it does not come up in a minute.
 */
export async function startEngine(work: string, programs: EnginePrograms = DOCKER): Promise<Engine> {
  mkdirSync(join(work, "client"));
  const logFile = join(work, "log");
  const log = openSync(logFile, "w");
  const host = `unix://${join(work, "docker.sock")}`;
  const path = [programs.folder, process.env.PATH].filter(Boolean).join(delimiter);
  const daemon = spawn(
    programs.daemon,
    [
      ...["--host", host, "--data-root", join(work, "data"), "--exec-root", join(work, "exec")],
      ...["--pidfile", join(work, "pid"), "--storage-driver=vfs"],
      ...["--iptables=false", "--ip6tables=false", "--bridge=none"],
    ],
    { stdio: ["ignore", log, log], cwd: work, env: { ...process.env, PATH: path } },
  );
  const engine: Engine = {
    host,
    docker: (...args) =>
      run(programs.client, ["--host", host, ...args], {
        env: { DOCKER_CONFIG: join(work, "client") },
      }).toString(),
    stop: () => stopDaemon(daemon, work),
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      engine.docker("info");
      return engine;
    } catch (error) {
      if (Date.now() > deadline || daemon.exitCode !== null) {
        await engine.stop();
        const said = readFileSync(logFile, "utf8").trim().split("\n").slice(-5).join("\n");
        throw new Error(`${programs.daemon} does not answer; it said:\n${said}`, { cause: error });
      }
    }
    await sleep(POLL_MS);
  }
}

async function stopDaemon(daemon: ChildProcess, work: string): Promise<void> {
  if (daemon.exitCode === null && daemon.signalCode === null) {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGTERM");
    const timer = setTimeout(() => daemon.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
  // What a container or the engine left mounted would keep the folder from being removed.
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  for (const line of mounts.reverse()) {
    const point = line.split(" ")[1];
    if (point?.startsWith(`${work}/`) === true) run("umount", ["--lazy", point]);
  }
}
