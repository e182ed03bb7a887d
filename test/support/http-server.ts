/** HTTP servers on 127.0.0.1 that answer as a test wants, wrongly too. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Clock } from "../../src/net/index.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  /** What was asked for, in order: "GET /path". */
  readonly log: string[];
}

/** Start a server for the length of a test. */
export async function startServer(context: TestContext, handler: Handler): Promise<TestServer> {
  const log: string[] = [];
  const server = createServer((request, response) => {
    log.push(`${request.method} ${request.url}`);
    void (async () => handler(request, response))().catch((error: unknown) => {
      response.statusCode = 599;
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  context.after(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log };
}

/** A clock that waits for nothing and tells what it was to wait for. */
export function instantClock(chance = 0): Clock & { readonly delaysMs: number[] } {
  const delaysMs: number[] = [];
  return {
    delaysMs,
    random: () => chance,
    sleep: async (delayMs, signal) => {
      delaysMs.push(delayMs);
      signal?.throwIfAborted();
    },
  };
}

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
