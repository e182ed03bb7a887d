/** Counters, gauges and histograms, and their text for Prometheus (exposition format 0.0.4). */

interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  lines(name: string): string[];
}

/** A number that only grows, by the value of one label. */
export class Counter implements Family {
  readonly type = "counter";
  readonly help: string;
  readonly #label: string | undefined;
  readonly #values = new Map<string, number>();

  constructor(help: string, label?: string) {
    this.help = help;
    this.#label = label;
    if (label === undefined) this.#values.set("", 0);
  }

  /** @param labelValue - one of a few words of the service's own, never text of a client. */
  add(amount = 1, labelValue = ""): void {
    this.#values.set(labelValue, (this.#values.get(labelValue) ?? 0) + amount);
  }

  get(labelValue = ""): number {
    return this.#values.get(labelValue) ?? 0;
  }

  lines(name: string): string[] {
    return [...this.#values].map(
      ([value, count]) => `${name}${this.#label === undefined ? "" : `{${this.#label}="${value}"}`} ${count}`,
    );
  }
}

/** A number that is asked for when it is needed. */
export class Gauge implements Family {
  readonly type = "gauge";
  readonly help: string;
  readonly #read: () => number;

  constructor(help: string, read: () => number) {
    this.help = help;
    this.#read = read;
  }

  lines(name: string): string[] {
    return [`${name} ${this.#read()}`];
  }
}

/** How long something took. */
export class Histogram implements Family {
  readonly type = "histogram";
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** @param bounds - upper ends of the classes in seconds, rising. */
  constructor(help: string, bounds: readonly number[]) {
    this.help = help;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(seconds: number): void {
    this.#sum += seconds;
    this.#count++;
    this.#bounds.forEach((bound, i) => {
      if (seconds <= bound) this.#counts[i]!++;
    });
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, i) => `${name}_bucket{le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

/** The text of all families. */
export function formatMetrics(families: Readonly<Record<string, Family>>): string {
  const lines: string[] = [];
  for (const [name, family] of Object.entries(families)) {
    lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`, ...family.lines(name));
  }
  return `${lines.join("\n")}\n`;
}

const MAKING_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What the service counts. The names are stable. */
export function createServiceMetrics(gauges: {
  queued: () => number;
  running: () => number;
  listeners: () => number;
  storedBytes: () => number;
}) {
  return {
    flatdelta_requests_total: new Counter("Requests by the status of the answer", "status"),
    flatdelta_request_seconds: new Histogram("Time until the answer's header", REQUEST_SECONDS),
    flatdelta_deltas_made_total: new Counter("Deltas made"),
    flatdelta_deltas_failed_total: new Counter("Deltas that could not be made"),
    flatdelta_deltas_not_worthwhile_total: new Counter("Deltas as large as a pull, which are not kept"),
    flatdelta_delta_hits_total: new Counter("Requests for a delta that was there"),
    flatdelta_delta_waits_total: new Counter("Requests for a delta that was still being made"),
    flatdelta_delta_make_seconds: new Histogram("Time that making a delta took", MAKING_SECONDS),
    flatdelta_images_read_total: new Counter("Images read and flattened"),
    flatdelta_images_failed_total: new Counter("Images that could not be read"),
    flatdelta_sent_bytes_total: new Counter("Bytes of deltas and images sent"),
    flatdelta_saved_bytes_total: new Counter("Bytes of pulls less those of the deltas sent to their end"),
    flatdelta_evicted_total: new Counter("Files evicted from the store"),
    flatdelta_queue_length: new Gauge("Pieces of work that wait", gauges.queued),
    flatdelta_jobs_running: new Gauge("Pieces of work under way", gauges.running),
    flatdelta_listeners: new Gauge("Devices that listen for releases", gauges.listeners),
    flatdelta_stored_bytes: new Gauge("Bytes of flat images and deltas in the store", gauges.storedBytes),
  };
}

/** The service's own metrics. */
export type ServiceMetrics = ReturnType<typeof createServiceMetrics>;
