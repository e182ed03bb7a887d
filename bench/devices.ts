/**
 * Devices that ask a delta service: each with a connection of its own, in one process.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What one device got. */
export interface DeviceResult {
  /** Answers until it had the delta, the last one among them. */
  requests: number;
  /** SHA-256 of the bytes, as the service's ETag has it. */
  digest: string;
  /** All that came over its connection, headers too. */
  receivedBytes: number;
  seconds: number;
}

/** A device's connection. */
export class Device {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #socket: Socket | undefined;

  /** Ask, and wait for the head of the answer. */
  ask(url: string, method = "GET"): Promise<{ response: IncomingMessage; headMs: number }> {
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      const asked = request(url, { method, agent: this.#agent }, (response) =>
        resolve({ response, headMs: performance.now() - startMs }),
      );
      asked.on("socket", (socket) => {
        this.#socket = socket;
      });
      asked.on("error", reject);
      asked.end();
    });
  }

  /** Ask until the delta is there, as often as the service says, and download it. */
  async fetchDelta(url: string): Promise<DeviceResult> {
    const startMs = performance.now();
    for (let requests = 1; ; requests++) {
      const { response } = await this.ask(url);
      const hash = createHash("sha256");
      for await (const piece of response) hash.update(piece as Buffer);
      if (response.statusCode === 200) {
        return {
          requests,
          digest: `sha256:${hash.digest("hex")}`,
          receivedBytes: this.#socket?.bytesRead ?? 0,
          seconds: (performance.now() - startMs) / 1000,
        };
      }
      if (response.statusCode !== 202) throw new Error(`expected 200 or 202, found ${response.statusCode}`);
      await sleep(1000 * Number(response.headers["retry-after"] ?? 1));
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/**
 * Ask for the head of an answer at a steady rate, each time another device, whether earlier answers have come or not.
 *
 * @returns milliseconds until the head of each answer.
 */
export async function askSteadily(
  devices: readonly Device[],
  url: string,
  options: { perSecond: number; seconds: number },
): Promise<number[]> {
  const total = options.perSecond * options.seconds;
  const startMs = performance.now();
  const answers: Promise<number>[] = [];
  for (let i = 0; i < total; i++) {
    const dueMs = startMs + (i * 1000) / options.perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    answers.push(askHead(devices[i % devices.length]!, url));
  }
  return Promise.all(answers);
}

/** All devices ask in the same moment. */
export function askAtOnce(devices: readonly Device[], url: string): Promise<number[]> {
  return Promise.all(devices.map((device) => askHead(device, url)));
}

async function askHead(device: Device, url: string): Promise<number> {
  const { response, headMs } = await device.ask(url, "HEAD");
  response.resume();
  if (response.statusCode !== 200) throw new Error(`expected 200, found ${response.statusCode}`);
  return headMs;
}

/** The value that so many percent of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
