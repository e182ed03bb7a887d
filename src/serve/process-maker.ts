import { type ChildProcess, fork } from "node:child_process";
import { ErrorCode, FlatdeltaError } from "../errors.ts";
import type { Progress } from "../io/index.ts";
import type { FlattenedRelease, MadeDelta, Maker, MakerContext } from "./maker.ts";
import type { MakerAnswer, MakerTask, ProcessMakerOptions } from "./maker-task.ts";

// Compiled, or in the project's own tests its source.
const CHILD = import.meta.url.endsWith(".ts")
  ? new URL("./maker-process.ts", import.meta.url)
  : new URL("./maker-process.js", import.meta.url);

/**
 * A maker that gives each piece of work a process of its own, which makes deltas on worker threads: what it takes in memory is
 * back when it ends, and when the system ends it for want of memory, one delta has failed and the service goes on.
 *
 * It needs a store of files, as `createFolderStore` makes.
 */
export function createProcessMaker(options: ProcessMakerOptions = {}): Maker {
  return {
    flatten: (image, into, context) =>
      runTask<FlattenedRelease>({ kind: "flatten", image, into: pathOf(into), options }, context),
    makeDelta: (basis, target, into, context) =>
      runTask<MadeDelta>(
        { kind: "delta", basis: pathOf(basis), target: pathOf(target), into: pathOf(into), options },
        context,
      ),
  };
}

function pathOf({ path }: { path?: string }): string {
  if (path === undefined) throw new TypeError("expected a store of files, such as createFolderStore makes");
  return path;
}

async function runTask<Result>(task: MakerTask, { signal, onProgress }: MakerContext): Promise<Result> {
  signal.throwIfAborted();
  const execArgv = CHILD.pathname.endsWith(".ts") ? ["--import", import.meta.resolve("tsx")] : [];
  const child = fork(CHILD, {
    execArgv,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", kill);
  try {
    return await talk<Result>(child, task, onProgress);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
}

/** Send the task and wait for the answer. The child's end comes first only when something went wrong. */
function talk<Result>(
  child: ChildProcess,
  task: MakerTask,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      reject(
        new FlatdeltaError(
          ErrorCode.WORKER_FAILED,
          `expected an answer of the process that ${task.kind === "delta" ? "makes the delta" : "reads the image"}, it ended with ${signal ?? code}`,
        ),
      ),
    );
    child.on("message", (answer: MakerAnswer) => {
      if (answer.kind === "progress") onProgress?.(answer.progress);
      else if (answer.kind === "done") resolve(answer.result as Result);
      else reject(Object.assign(new Error(answer.message), { code: answer.code }));
    });
    child.send(task, (error) => {
      if (error !== null) reject(error);
    });
  });
}
