import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { DeltaService } from "./service.ts";

/** One answered request, for an access log. */
export interface RequestLogEntry {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  readonly status: number;
  readonly sentBytes: number;
  readonly milliseconds: number;
  readonly address: string;
  /** Whether the client went away before the end. */
  readonly isCut: boolean;
}

/** Options of {@link serveHttp}. */
export interface ServeHttpOptions {
  /** 8080 unless given; 0 for any that is free. */
  readonly port?: number | undefined;
  /** Address to listen on: this machine alone, 127.0.0.1, unless given. */
  readonly host?: string | undefined;
  /** Take the client's address from the last entry of `X-Forwarded-For`: behind a proxy that writes it. */
  readonly trustsProxy?: boolean | undefined;
  /** How long a client may leave an answer unread before it is cut off: two minutes by default. */
  readonly stallTimeoutMs?: number | undefined;
  /** Connections at the same time: 20,000 by default. */
  readonly maxConnections?: number | undefined;
  readonly onRequest?: ((entry: RequestLogEntry) => void) | undefined;
}

/** A service that listens. */
export interface HttpServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  /**
   * Take no more connections, let answers that are under way go to their end, then close the service.
   *
   * @param graceMs - after so long they are cut off: 10 seconds by default.
   */
  close(graceMs?: number): Promise<void>;
}

const HEADER_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;
const DEFAULT_STALL_MS = 120_000;
const DEFAULT_GRACE_MS = 10_000;

/**
 * Serve a delta service over node:http.
 *
 * TLS is for a proxy in front, or for whoever calls `service.handle` from a server of their own.
 *
 * @throws the operating system's error (`EADDRINUSE`, `EACCES`, …).
 */
export async function serveHttp(service: DeltaService, options: ServeHttpOptions = {}): Promise<HttpServer> {
  const { port = 8080, host = "127.0.0.1", maxConnections = 20_000 } = options;
  const server = createServer(
    {
      headersTimeout: HEADER_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => void answer(service, request, response, options),
  );
  server.maxConnections = maxConnections;
  server.timeout = options.stallTimeoutMs ?? DEFAULT_STALL_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: 4096 }, () => resolve());
  });
  const { address, port: found, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${found}`,
    close: (graceMs = DEFAULT_GRACE_MS) => closeServer(server, service, graceMs),
  };
}

async function closeServer(server: Server, service: DeltaService, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  // Ends the announcements, which would never end by themselves.
  await service.close();
  server.closeIdleConnections();
  await closed;
  clearTimeout(timer);
}

async function answer(
  service: DeltaService,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { trustsProxy = false, onRequest }: ServeHttpOptions,
): Promise<void> {
  const startMs = performance.now();
  const address = clientAddress(incoming, trustsProxy);
  let sentBytes = 0;
  // A client that goes away breaks the pipe: that is its right.
  outgoing.on("error", () => {});
  try {
    const request = toRequest(incoming);
    if (request === undefined) outgoing.writeHead(400).end();
    else {
      const response = await service.handle(request, { address });
      sentBytes = await send(response, outgoing);
    }
  } catch {
    // The answer is cut off where it broke: its length tells the client.
    outgoing.destroy();
  }
  onRequest?.({
    method: incoming.method ?? "",
    target: incoming.url ?? "",
    status: outgoing.statusCode,
    sentBytes,
    milliseconds: performance.now() - startMs,
    address,
    isCut: !outgoing.writableEnded,
  });
}

function clientAddress(incoming: IncomingMessage, trustsProxy: boolean): string {
  const forwarded = trustsProxy ? incoming.headers["x-forwarded-for"] : undefined;
  const last = (Array.isArray(forwarded) ? forwarded.at(-1) : forwarded)?.split(",").at(-1)?.trim();
  return last || (incoming.socket.remoteAddress ?? "unknown");
}

/** The request as the web has it; nothing when its target or headers cannot be. */
function toRequest(incoming: IncomingMessage): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  try {
    const headers = new Headers();
    for (let i = 0; i < incoming.rawHeaders.length; i += 2)
      headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
    const hasBody = method !== "GET" && method !== "HEAD";
    // The host is of no importance here, and what a client says of it is not to be trusted.
    return new Request(`http://service${url.startsWith("/") ? url : "/"}`, {
      method,
      headers,
      ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: "half" } : {}),
    } as RequestInit);
  } catch {
    return undefined;
  }
}

/** @returns the bytes of the body that were handed to the connection. */
async function send(response: Response, outgoing: ServerResponse): Promise<number> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return 0;
  }
  outgoing.flushHeaders();
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  // Also while nothing is being sent: a listener that hangs up must not be kept.
  outgoing.once("close", () => void reader.cancel().catch(() => {}));
  let sentBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    sentBytes += value.length;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
  return sentBytes;
}

/** Wait until the connection takes more, or is gone. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.destroyed) return resolve();
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
