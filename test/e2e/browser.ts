/**
 * A page in a real browser: Chromium without a window, a server for one page, and nothing left of both afterwards.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TIME_LIMIT_MS = 120_000;
const MAX_REPORT_BYTES = 2 ** 20;
const MAX_SHOWN_CHARACTERS = 4000;

// Processes that were killed a moment ago may still hold or write files.
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 } as const;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Where a page posts what it has to say, as JSON. */
export const REPORT_PATH = "/report";

/** A file of the page's server. */
export interface ServedFile {
  type: string;
  content: string | Uint8Array;
}

// A strict policy is a part of the proof: compiling WASM is the only liberty that the page needs.
const SECURITY_POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const FLAGS = [
  "--headless",
  // Root, as which containers run, has no sandbox.
  "--no-sandbox",
  "--no-first-run",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage",
  "--disable-sync",
];

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) {
    body += piece;
    if (body.length > MAX_REPORT_BYTES)
      throw new Error(`the page's report is over ${MAX_REPORT_BYTES} bytes`);
  }
  return body;
}

function serve(files: ReadonlyMap<string, ServedFile>, response: ServerResponse, path: string): void {
  const file = files.get(path);
  response.writeHead(file === undefined ? 404 : 200, {
    "content-type": file?.type ?? "text/plain",
    "content-security-policy": SECURITY_POLICY,
  });
  response.end(file?.content);
}

/** Start a browser on a page and wait until `report` is settled, the browser ends, or the time is over. */
async function browse(url: string, report: Promise<unknown>): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-browser-"));
  const browser = spawn("chromium", [...FLAGS, `--user-data-dir=${join(folder, "profile")}`, url], {
    // A group of its own, to be ended as a whole.
    detached: true,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kill = (): void => {
    const runs = browser.exitCode === null && browser.signalCode === null;
    if (browser.pid !== undefined && runs) process.kill(-browser.pid, "SIGKILL");
  };
  // The terminal's Ctrl-C does not reach another group.
  const interrupt = (): void => {
    kill();
    rmSync(folder, REMOVAL);
    process.exit(1);
  };
  for (const signal of SIGNALS) process.once(signal, interrupt);
  let words = "";
  browser.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-MAX_SHOWN_CHARACTERS);
  });
  // "close" comes when the last of the browser's processes has let go of its standard error.
  const ended = new Promise<string>((resolve) => {
    browser.once("error", ({ message }) => resolve(message));
    browser.once("close", (code) => resolve(`chromium ended with ${code} before the page reported`));
  });
  const timeLimit = new AbortController();
  const overtime = sleep(TIME_LIMIT_MS, undefined, { signal: timeLimit.signal }).then(
    () => `the page did not report within ${TIME_LIMIT_MS / 1000} s`,
    () => "",
  );
  const failure = Promise.race([ended, overtime]).then((message) => {
    throw new Error(`${message}\n${words}`.trim());
  });
  try {
    return await Promise.race([report, failure]);
  } finally {
    timeLimit.abort();
    kill();
    await ended;
    for (const signal of SIGNALS) process.off(signal, interrupt);
    await rm(folder, REMOVAL);
  }
}

/**
 * Open "/" of some files in a browser.
 *
 * @returns what the page posts to {@link REPORT_PATH}.
 * @throws Error with the browser's own words when it ends or the time is over before that.
 */
export async function runPage(files: ReadonlyMap<string, ServedFile>): Promise<unknown> {
  let settle: (report: unknown) => void;
  const report = new Promise<unknown>((resolve) => {
    settle = resolve;
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "POST" || pathname !== REPORT_PATH) return serve(files, response, pathname);
    const answer = readBody(request).then((body) => {
      response.writeHead(204).end();
      return JSON.parse(body) as unknown;
    });
    settle(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await browse(`http://127.0.0.1:${port}/`, report);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
