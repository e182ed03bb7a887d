import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A bad line between devices and a service: the first delta stalls on its way. */
export interface StallingProxy {
  readonly url: string;
  /** Fulfilled when the first delta has stalled. */
  readonly stalled: Promise<void>;
  stop(): void;
}

/** How much of the first delta comes through. */
const PASSED_BYTES = 10_000;

/** Pass everything on to a service; of the first delta the first ten thousand bytes. */
export async function startStallingProxy(serviceUrl: string): Promise<StallingProxy> {
  let hasStalled = false;
  let stall = (): void => {};
  const stalled = new Promise<void>((resolve) => {
    stall = resolve;
  });
  const server: Server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/", headers } = incoming;
    const passed = request(new URL(url, serviceUrl), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (hasStalled || answer.statusCode !== 200 || !url.startsWith("/v1/delta?")) {
        answer.pipe(outgoing);
        return;
      }
      hasStalled = true;
      answer.once("data", (piece: Buffer) => {
        outgoing.write(piece.subarray(0, PASSED_BYTES), stall);
        answer.pause();
      });
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stalled,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
