#!/usr/bin/env node
/**
 * The process edge: standard streams, signals, exit code.
 *
 * @module
 */
import { addAbortSignal } from "node:stream";
import { InterruptedError } from "./exit-code.ts";
import { runCli } from "./run.ts";

/** A terminal's Ctrl-C reaches the process directly and again through npm or npx: the echo must not skip the clean-up. */
const ECHO_MS = 1000;

const controller = new AbortController();
let stoppedMs: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const error = new InterruptedError(signal);
    if (stoppedMs === undefined) {
      stoppedMs = performance.now();
      controller.abort(error);
    } else if (performance.now() - stoppedMs > ECHO_MS) process.exit(error.exitCode);
  });
}

// Whoever reads the output may stop early (`flatdelta inspect x | head -1`): that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

// Waiting for WASM to compile, Node sees nothing to wait for and blocks until its compiler's threads are done. One of those may be
// waiting for the blocked thread to collect garbage (nodejs/node#54918): on a busy machine 3 of 100 runs never ended. With
// a timer there is something to wait for.
const MAX_TIMER_MS = 2 ** 31 - 1;
const alive = setInterval(() => {}, MAX_TIMER_MS);

const exitCode = await runCli(process.argv.slice(2), {
  // A getter, because opening standard input costs time and keeps the process alive. The signal, because a stream that
  // stalls would else be waited for in spite of an interruption.
  get stdin() {
    return addAbortSignal(controller.signal, process.stdin);
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
  debug: (process.env.FLATDELTA_DEBUG ?? "0") !== "0",
  measure: () => ({
    seconds: Number((performance.now() / 1000).toFixed(4)),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  }),
});

clearInterval(alive);
process.exitCode = exitCode;
// Without waiting for the heap to be taken apart: of an image's index and its matches that takes up to a tenth of a second.
process.stdout.write("", () => process.stderr.write("", () => process.exit()));
