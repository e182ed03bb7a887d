/** A delta service that can be told to fail, on a real socket. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach } from "node:test";
import { digestOf, type TestImage } from "./images.ts";

/** Where the service is asked for what. */
export type Route = "latest" | "info" | "delta" | "image" | "events";

/** What goes wrong with one request. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** The connection is closed, or nothing more is sent, after so many bytes of the body; −1: before the head of the answer. */
  | { closeAfter: number }
  | { stallAfter: number }
  /** Other bytes in place of the body. */
  | { bytes: Uint8Array };

const PATHS: Readonly<Record<Route, RegExp>> = {
  latest: /latest$/,
  info: /info$/,
  delta: /delta$/,
  image: /images/,
  events: /events$/,
};

/** A service with one app. */
export class TestService {
  url = "";
  /** All requests, as "route offset". */
  readonly requests: string[] = [];
  bytesSent = 0;
  #latest: TestImage | undefined;
  #sequence = 0;
  readonly #listeners = new Set<ServerResponse>();
  #images: TestImage[] = [];
  readonly #deltas = new Map<string, Uint8Array>();
  readonly #faults = new Map<Route, Fault[]>();
  pullBytes = 10_000_000;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Forget all, and have these images, the last of them as the latest release. */
  reset(...images: TestImage[]): void {
    this.#server.closeAllConnections();
    this.#images = images;
    this.#latest = images.at(-1);
    this.#sequence = 1;
    this.#listeners.clear();
    this.#deltas.clear();
    this.#faults.clear();
    this.requests.length = 0;
    this.bytesSent = 0;
    this.pullBytes = 10_000_000;
  }

  addDelta(from: TestImage, to: TestImage, delta: Uint8Array): void {
    this.#deltas.set(`${from.digest} ${to.digest}`, delta);
  }

  /** Let an image be the latest release, and tell those who listen. */
  announce(image: TestImage): void {
    this.#images.push(image);
    this.#latest = image;
    this.#sequence++;
    for (const listener of this.#listeners)
      listener.write(`event: release\nid: ${this.#sequence}\ndata: {}\n\n`);
  }

  /** Break all connections of those who listen. */
  cut(): void {
    for (const listener of this.#listeners) listener.destroy();
    this.#listeners.clear();
  }

  /** Those who listen now. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** The next requests of a route fail, one after another; those behind them do not. */
  fail(route: Route, ...faults: Fault[]): void {
    this.#faults.set(route, faults);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url);
    const route = (Object.keys(PATHS) as Route[]).find((name) => PATHS[name].test(url.pathname))!;
    const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "bytes=0-")![1]);
    this.requests.push(`${route} ${offset}`);
    const fault = this.#faults.get(route)?.shift();
    if (fault !== undefined && "status" in fault) {
      response.writeHead(fault.status, fault.headers ?? {});
      response.end(fault.body);
      return;
    }
    if (route === "events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const missed = Number(request.headers["last-event-id"]) < this.#sequence;
      response.write(`retry: 10\n\n${missed ? `event: release\nid: ${this.#sequence}\ndata: {}\n\n` : ""}`);
      this.#listeners.add(response);
      response.on("close", () => this.#listeners.delete(response));
      return;
    }
    const body = this.#find(route, url);
    if (body === undefined) {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ code: "NO_BASIS", message: "nobody knows it" }));
      return;
    }
    this.#send(response, fault !== undefined && "bytes" in fault ? fault.bytes : body, offset, fault);
  }

  #find(route: Route, url: URL): Uint8Array | undefined {
    const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
    const [basis, target] = [url.searchParams.get("src"), url.searchParams.get("dest")];
    const delta = this.#deltas.get(`${basis} ${target}`);
    const { pullBytes } = this;
    switch (route) {
      case "latest": {
        const image = this.#latest!;
        const flat = { flatDigest: image.digest, flatBytes: image.flat.length, pullBytes };
        const version = image.digest.slice(7, 15);
        return json({ app: "app", version, image: "app.tar", sequence: this.#sequence, ...flat });
      }
      case "info":
        return (
          delta &&
          json({
            state: "ready",
            basis,
            target,
            deltaBytes: delta.length,
            digest: digestOf(delta),
            pullBytes,
          })
        );
      case "delta":
        return delta;
      case "events":
        return undefined;
      case "image":
        return this.#images.find(({ digest }) => url.pathname.endsWith(digest))?.flat;
    }
  }

  #send(response: ServerResponse, body: Uint8Array, offset: number, fault: Fault | undefined): void {
    const close = fault !== undefined && "closeAfter" in fault ? fault.closeAfter : undefined;
    const stall = fault !== undefined && "stallAfter" in fault ? fault.stallAfter : undefined;
    const limit = close ?? stall;
    if (limit === -1) {
      if (close !== undefined) response.destroy();
      return;
    }
    const range = offset > 0 ? { "content-range": `bytes ${offset}-${body.length - 1}/${body.length}` } : {};
    response.writeHead(offset > 0 ? 206 : 200, {
      "content-length": String(body.length - offset),
      etag: `"${digestOf(body)}"`,
      ...range,
    });
    const piece = body.subarray(offset, limit === undefined ? undefined : offset + limit);
    this.bytesSent += piece.length;
    response.write(piece, () => {
      if (close !== undefined) response.destroy();
    });
    if (limit === undefined) response.end();
  }
}

/** A service for the tests of the calling file; it has nothing at the beginning of each. */
export function useService(): TestService {
  const service = new TestService();
  before(() => service.start());
  beforeEach(() => service.reset());
  after(() => service.stop());
  return service;
}
