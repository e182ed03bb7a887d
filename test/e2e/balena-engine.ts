/**
 * A balenaEngine of our own: one program that is client, daemon, containerd, its shim and runc, by the name that it is called by.
 *
 * @module
 */
import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Engine, startEngine } from "./dockerd.ts";
import { findProgram } from "./tools.ts";

/** What the one program is called by. */
const NAMES = [
  ...["balena-engine", "balena-engine-daemon", "balena-engine-containerd", "balena-engine-runc"],
  ...["balena-containerd-shim-runc-v2", "balena-engine-proxy"],
];

function findBalenaEngine(): string {
  const { BALENA_ENGINE: named } = process.env;
  const found = named ?? findProgram("balena-engine");
  if (found === undefined)
    throw new Error("balena-engine is missing: have it on PATH, or name it by BALENA_ENGINE=/path/to/it");
  const program = realpathSync(resolve(found));
  accessSync(program, constants.X_OK);
  return program;
}

/** Let a task have a running balenaEngine without images. */
export async function withBalenaEngine(task: (engine: Engine) => Promise<void>): Promise<void> {
  const program = findBalenaEngine();
  // A socket's path is short: not below the check's own folder.
  const work = mkdtempSync(join(tmpdir(), "fd-"));
  try {
    const folder = join(work, "bin");
    mkdirSync(folder);
    for (const name of NAMES) symlinkSync(program, join(folder, name));
    const engine = await startEngine(work, {
      daemon: join(folder, "balena-engine-daemon"),
      client: join(folder, "balena-engine"),
      folder,
    });
    try {
      await task(engine);
    } finally {
      await engine.stop();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
