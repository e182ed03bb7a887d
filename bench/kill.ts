/**
 * `npm run bench:kill -- --old IMAGE --new IMAGE --kills N`: does an in-place update survive being killed?
 *
 * The built CLI updates a file in place and is killed (SIGKILL) after a random time, again and again, until a run gets to
 * the end; then the file is compared by SHA-256 and a new round begins. Ends with exit code 1 when a round did not come to the
 * exact target.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashFile } from "./digest.ts";
import { checkBuilt, flatdeltaCommand } from "./machine.ts";
import { measureCommands } from "./measure.ts";

const TIMEOUT_SECONDS = 600;

interface Run {
  /** Whether it was still running when the time was over. */
  isKilled: boolean;
  exitCode: number | null;
  stderr: string;
}

/** Run a command and kill it when it takes longer than some milliseconds. */
function runAndKill(args: readonly string[], milliseconds: number): Promise<Run> {
  const [program, ...rest] = flatdeltaCommand(...args);
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
    child.on("error", reject);
    child.on("close", (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ isKilled: signal === "SIGKILL", exitCode, stderr });
    });
  });
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { old: text, new: text, kills: text, tmp: text } });
  if (values.old === undefined || values.new === undefined)
    throw new Error("expected --old IMAGE --new IMAGE");
  const wantedKills = Number(values.kills ?? "300");
  checkBuilt();
  const work = await mkdtemp(join(values.tmp ?? tmpdir(), "flatdelta-kill-"));
  try {
    const path = (name: string): string => join(work, name);
    const run = (...args: string[]) => measureCommands([flatdeltaCommand(...args)], TIMEOUT_SECONDS);
    const [basis, wanted, delta, target] = ["old.flat", "new.flat", "update.delta", "target.flat"].map(path);
    await run("flatten", values.old, "-o", basis!);
    await run("flatten", values.new, "-o", wanted!);
    await run("delta", basis!, wanted!, "-o", delta!);
    const expected = await hashFile(wanted!);
    const patch = ["patch", "--in-place", target!, delta!, "--quiet"];
    await copyFile(basis!, target!);
    const { seconds } = await measureCommands([flatdeltaCommand(...patch)], TIMEOUT_SECONDS);

    let [kills, rounds, interrupted] = [0, 0, 0];
    while (kills < wantedKills) {
      await copyFile(basis!, target!);
      for (let isDone = false; !isDone; ) {
        const last = await runAndKill(patch, Math.random() * seconds * 1100);
        if (last.isKilled) kills++;
        if (last.isKilled && existsSync(`${target}.flatdelta/stash`)) interrupted++;
        if (!last.isKilled && last.exitCode !== 0) throw new Error(`a rerun failed: ${last.stderr}`);
        isDone = !last.isKilled;
        if (kills >= wantedKills && last.isKilled) {
          await run(...patch);
          isDone = true;
        }
      }
      rounds++;
      if ((await hashFile(target!)) !== expected)
        throw new Error("the target is not the one that was wanted");
      if (existsSync(`${target}.flatdelta`)) throw new Error("scratch files were left behind");
      process.stderr.write(`${kills} kills, ${rounds} rounds\r`);
    }
    process.stdout.write(
      `${kills} kills in ${rounds} rounds of ${seconds.toFixed(1)} s, ${interrupted} while the target was being written: always exact\n`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

await main();
