/** A device that updates itself from a service, and what it told of it. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleepReally } from "node:timers/promises";
import {
  formatUpdateEvent,
  resolvePolicy,
  serviceSource,
  type UpdateClock,
  type UpdateEvent,
  type UpdateOptions,
  type UpdateResult,
  updateImage,
} from "../../src/update/index.ts";
import { flatFile } from "../../src/update/node.ts";
import { digestOf, type TestImage } from "./images.ts";

/** A clock that does not wait: time passes as it is slept. */
export function fastClock(): UpdateClock & { readonly slept: number[] } {
  let nowMs = 0;
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => nowMs,
    random: () => 0,
    sleep: async (delayMs, signal) => {
      signal?.throwIfAborted();
      slept.push(delayMs);
      nowMs += delayMs;
      // Real events, of sockets and of files, have their turn.
      await sleepReally(1);
      signal?.throwIfAborted();
    },
  };
}

/** What came of an update. */
export interface Outcome {
  result: UpdateResult | undefined;
  error: (Error & { code?: string }) | undefined;
  events: UpdateEvent[];
  /** The log, one event a line. */
  log: string;
  slept: readonly number[];
}

/** A device with one flat image. */
export class TestDevice {
  readonly path: string;
  readonly #at: (...parts: string[]) => string;

  constructor(at: (...parts: string[]) => string) {
    this.#at = at;
    this.path = at("app.flat");
  }

  async put(image: TestImage): Promise<void> {
    await writeFile(this.path, image.flat);
  }

  async digest(): Promise<string> {
    return digestOf(await readFile(this.path));
  }

  /** All names beside the image. */
  async leftovers(): Promise<string[]> {
    return (await readdir(this.#at(), { recursive: true })).filter((name) => name !== "app.flat").sort();
  }

  async update(url: string, options: Partial<UpdateOptions> & { inPlace?: boolean } = {}): Promise<Outcome> {
    const { inPlace = false, onEvent, ...more } = options;
    const events: UpdateEvent[] = [];
    const clock = fastClock();
    const outcome: Outcome = { result: undefined, error: undefined, events, log: "", slept: clock.slept };
    try {
      outcome.result = await updateImage({
        current: flatFile(this.path, { inPlace }),
        wanted: "app",
        source: more.source ?? serviceSource(url),
        policy: resolvePolicy({ defaults: { retryCount: 4, requestTimeoutMs: 5000 } }),
        clock,
        ...more,
        onEvent: (event) => {
          events.push(event);
          onEvent?.(event);
        },
      });
    } catch (error) {
      outcome.error = error as Error;
    }
    outcome.log = events.flatMap((event) => formatUpdateEvent(event) ?? []).join("\n");
    return outcome;
  }
}
