/**
 * The built `flatdelta serve` as a process that is watched from outside.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { flatdeltaCommand } from "./machine.ts";

const TOKEN = "a-token-for-measuring";
const POLL_MS = 50;

/** What is said of a release. */
export interface ReleaseAnswer {
  id: string;
  state: string;
  flatDigest: string;
  flatBytes: number;
}

/** A service under way. */
export class ServiceProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #poll: ReturnType<typeof setInterval>;
  /** Most memory that its makers, processes of its own, held at the same time. */
  peakMakersBytes = 0;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
    this.#poll = setInterval(() => {
      const bytes = readChildren(child.pid!).reduce((sum, pid) => sum + readMemory(pid, "VmRSS"), 0);
      this.peakMakersBytes = Math.max(this.peakMakersBytes, bytes);
    }, POLL_MS);
  }

  /** Start it over a folder of images, with an empty store. */
  static async start(imagesFolder: string, tmp: string = tmpdir()): Promise<ServiceProcess> {
    const folder = await mkdtemp(join(tmp, "flatdelta-serve-"));
    await writeFile(join(folder, "tokens"), `write ${TOKEN}\n`);
    const [program, ...args] = flatdeltaCommand(
      ...["serve", "--port", "0", "--store", join(folder, "store"), "--images", imagesFolder],
      ...["--token-file", join(folder, "tokens"), "--ahead", "0", "--log", "json"],
      ...["--requests-per-minute", "1000000"],
    );
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        const found = /"event":"listening","url":"([^"]+)"/u.exec(text);
        if (found !== null) resolve(found[1]!);
      });
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`flatdelta serve ended with ${code}`)));
    });
    return new ServiceProcess(url, child, folder);
  }

  /** Most memory that the service itself has held. */
  get peakBytes(): number {
    return readMemory(this.#child.pid!, "VmHWM");
  }

  /** Announce an image of the folder and wait until it is read. */
  async announce(version: string, image: string): Promise<ReleaseAnswer> {
    for (;;) {
      const response = await fetch(`${this.url}/v1/releases`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ app: "bench", version, image }),
      });
      const release = (await response.json()) as ReleaseAnswer;
      if (release.state === "ready") return release;
      if (response.status !== 202)
        throw new Error(`expected a release that is ready, found ${JSON.stringify(release)}`);
      await sleep(200);
    }
  }

  /** One of its metrics. */
  async readMetric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "mu").exec(text)?.[1]);
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await gone;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function readMemory(pid: number, field: "VmRSS" | "VmHWM"): number {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "mu").exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    );
    return 1024 * Number(found?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Processes whose parent is this one. */
function readChildren(pid: number): number[] {
  const children: number[] = [];
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8");
      children.push(...text.split(" ").filter(Boolean).map(Number));
    }
  } catch {
    // It has ended meanwhile.
  }
  return children;
}
