/**
 * Runs whole processes and measures them from outside: the same way for flatdelta and for every peer.
 *
 * Memory comes from `/usr/bin/time` (the kernel's own maximum, for the child alone) where there is one. Without it
 * `/proc/PID/status` is polled: VmHWM is the kernel's maximum too, but what the last few milliseconds add is missed.
 * The kernel counts what a process held before `exec` as its own, so a child of this (big) process would inherit our
 * size; behind `/usr/bin/time`, which is small, it does not.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TIME_PROGRAM = "/usr/bin/time";
const POLL_MS = 5;
const MAX_KEPT_CHARACTERS = 1 << 20;

/** How peak memory is read on this machine, for the record. */
export const MEMORY_METHOD = existsSync(TIME_PROGRAM)
  ? "maximum resident set of the process, from /usr/bin/time"
  : existsSync("/proc/self/status")
    ? "VmHWM of /proc/PID/status, polled"
    : "not available";

/** A command line: program and arguments, no shell. */
export type Command = readonly [program: string, ...args: string[]];

/** What one or several processes, one after the other, took. */
export interface Measurement {
  seconds: number;
  /** Most memory that one of the processes held; `undefined` where it cannot be read. */
  peakBytes: number | undefined;
  /** Bytes that went to file systems on a disk, whole pages of them, as the kernel counts; `undefined` where it cannot be read. */
  writtenBytes: number | undefined;
  /** Standard output of the last process. */
  stdout: string;
}

/** A process ended with an error. */
export class ProcessFailed extends Error {
  override name = "ProcessFailed";
}

/** The processes took longer than they may. */
export class ProcessTimedOut extends Error {
  override name = "ProcessTimedOut";
}

/**
 * Run commands one after the other; their seconds and what they write are added, of their memory the most counts.
 *
 * @throws ProcessFailed when one ends with another exit code than 0, with the end of what it said.
 * @throws ProcessTimedOut after `timeoutSeconds` for all of them together; the running one is killed.
 */
export async function measureCommands(
  commands: readonly Command[],
  timeoutSeconds: number,
): Promise<Measurement> {
  const sum: Measurement = { seconds: 0, peakBytes: undefined, writtenBytes: undefined, stdout: "" };
  for (const command of commands) {
    const one = await measureCommand(command, timeoutSeconds - sum.seconds);
    sum.seconds += one.seconds;
    sum.stdout = one.stdout;
    if (one.writtenBytes !== undefined) sum.writtenBytes = (sum.writtenBytes ?? 0) + one.writtenBytes;
    if (one.peakBytes !== undefined) sum.peakBytes = Math.max(sum.peakBytes ?? 0, one.peakBytes);
  }
  return sum;
}

let runCount = 0;

async function measureCommand(command: Command, timeoutSeconds: number): Promise<Measurement> {
  const [program, ...args] = command;
  const timeFile = join(tmpdir(), `flatdelta-time-${process.pid}-${runCount++}`);
  const useTime = existsSync(TIME_PROGRAM);
  const start = performance.now();
  const child = useTime
    ? spawn(TIME_PROGRAM, ["-f", "%M %O", "-o", timeFile, program, ...args], {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      })
    : spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let polledBytes: number | undefined;
  const poll = useTime
    ? undefined
    : setInterval(() => {
        polledBytes = readPeakBytes(child.pid) ?? polledBytes;
      }, POLL_MS);
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      // The whole group: the program behind `time` too.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    },
    Math.max(1, timeoutSeconds * 1000),
  );
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout = (stdout + text).slice(-MAX_KEPT_CHARACTERS);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-MAX_KEPT_CHARACTERS);
  });
  try {
    const exit = await new Promise<string>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(signal ?? String(code)));
    });
    const seconds = (performance.now() - start) / 1000;
    if (timedOut) throw new ProcessTimedOut(`${program} took longer than ${timeoutSeconds} s`);
    if (exit !== "0") {
      const said = (stderr || stdout).trim().split("\n").slice(-3).join(" | ");
      throw new ProcessFailed(`${[program, ...args].join(" ")} ended with ${exit}: ${said}`);
    }
    const measured = useTime ? readTimeFile(timeFile) : { peakBytes: polledBytes, writtenBytes: undefined };
    return { seconds, stdout, ...measured };
  } finally {
    clearTimeout(timer);
    clearInterval(poll);
    await rm(timeFile, { force: true });
  }
}

// What the kernel's count of file system outputs is in.
const OUTPUT_BYTES = 512;

function readTimeFile(file: string): Pick<Measurement, "peakBytes" | "writtenBytes"> {
  const lastLine = readFileSync(file, "utf8").trim().split("\n").at(-1)!;
  const [kibibytes, outputs] = lastLine.split(" ").map(Number) as [number, number];
  return {
    peakBytes: kibibytes > 0 ? kibibytes * 1024 : undefined,
    writtenBytes: outputs >= 0 ? outputs * OUTPUT_BYTES : undefined,
  };
}

function readPeakBytes(pid: number | undefined): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined;
  }
}
