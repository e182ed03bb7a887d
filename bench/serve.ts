/**
 * `npm run bench:serve -- --pair DIR --devices N`: many devices ask a delta service for the same new delta at once.
 *
 * DIR has two images, old.tar and new.tar; the fixture pair unless given. The built CLI serves them from this machine. Shown
 * are how many deltas were made, what everybody got, the memory of the service and of the process that made the delta, how
 * long the head of an answer takes once the delta is there, and what a device moved against a pull. Ends with exit code 1 when a
 * device got something else, or more than one delta was made. `--json FILE` writes the same as JSON.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { askAtOnce, askSteadily, Device, percentile } from "./devices.ts";
import { checkBuilt, describeMachine } from "./machine.ts";
import { measurePullBytes } from "./pull.ts";
import { ServiceProcess } from "./service-process.ts";
import { formatMegabytes, formatNumber, formatSeconds, formatTable } from "./table.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/pair", import.meta.url));
/** How often devices would ask if each came back after the two seconds that the service asks for. */
const SECONDS_BETWEEN = 2;
const STEADY_SECONDS = 10;

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { pair: text, devices: text, tmp: text, json: text } });
  const pair = values.pair ?? FIXTURE;
  const count = Number(values.devices ?? "1000");
  if (!(count >= 1 && count <= 20_000)) throw new Error("expected --devices from 1 to 20000");
  checkBuilt();
  const service = await ServiceProcess.start(pair, values.tmp);
  const devices = Array.from({ length: count }, () => new Device());
  try {
    const [old, wanted] = [
      await service.announce("old", "old.tar"),
      await service.announce("new", "new.tar"),
    ];
    const readingPeakBytes = service.peakMakersBytes;
    service.peakMakersBytes = 0;
    const url = `${service.url}/v1/delta?src=${old.flatDigest}&dest=${wanted.flatDigest}`;

    const results = await Promise.all(devices.map((device) => device.fetchDelta(url)));
    const peakBytes = service.peakBytes;
    const made = await service.readMetric("flatdelta_deltas_made_total");
    const digests = new Set(results.map(({ digest }) => digest));

    const steady = { perSecond: Math.max(1, Math.round(count / SECONDS_BETWEEN)), seconds: STEADY_SECONDS };
    const steadyMs = await askSteadily(devices, url, steady);
    const atOnceMs = await askAtOnce(devices, url);

    const info = (await (await fetch(url.replace("/v1/delta?", "/v1/delta/info?"))).json()) as {
      deltaBytes: number;
    };
    const pullBytes =
      (await measurePullBytes(join(pair, "old.oci"), join(pair, "new.oci")).catch(() => undefined)) ??
      (await measurePullBytes(join(pair, "old.tar"), join(pair, "new.tar")));
    const receivedBytes = percentile(
      results.map((result) => result.receivedBytes),
      50,
    );
    const report = {
      machine: describeMachine(),
      pair,
      devices: count,
      deltasMade: made,
      differentResults: digests.size,
      deltaBytes: info.deltaBytes,
      secondsUntilAllHadIt: Math.max(...results.map(({ seconds }) => seconds)),
      requests: results.reduce((sum, { requests }) => sum + requests, 0),
      servicePeakBytes: service.peakBytes,
      servicePeakBytesUntilAllHadIt: peakBytes,
      readingPeakBytes,
      makingPeakBytes: service.peakMakersBytes,
      steady: {
        ...steady,
        p50Ms: percentile(steadyMs, 50),
        p99Ms: percentile(steadyMs, 99),
        maxMs: Math.max(...steadyMs),
      },
      atOnce: {
        p50Ms: percentile(atOnceMs, 50),
        p99Ms: percentile(atOnceMs, 99),
        maxMs: Math.max(...atOnceMs),
      },
      receivedBytesOfADevice: receivedBytes,
      pullBytes: pullBytes ?? null,
    };
    const rows: [string, string][] = [
      ["devices, each with a connection", formatNumber(count)],
      ["deltas made", formatNumber(made)],
      ["different bytes received", formatNumber(digests.size)],
      ["delta bytes", formatNumber(info.deltaBytes)],
      ["requests until all had it", formatNumber(report.requests)],
      ["seconds until all had it", formatSeconds(report.secondsUntilAllHadIt)],
      ["peak MB of the service", formatMegabytes(report.servicePeakBytes)],
      ["peak MB of the process that made the delta", formatMegabytes(report.makingPeakBytes)],
      ["peak MB of the processes that read the images", formatMegabytes(readingPeakBytes)],
      [`head of an answer, ${steady.perSecond} requests a second: p50`, milliseconds(report.steady.p50Ms)],
      ["  p99", milliseconds(report.steady.p99Ms)],
      ["  longest", milliseconds(report.steady.maxMs)],
      ["head of an answer, all in the same moment: p50", milliseconds(report.atOnce.p50Ms)],
      ["  p99", milliseconds(report.atOnce.p99Ms)],
      ["bytes that a device received, headers too (median)", formatNumber(receivedBytes)],
      ["bytes of a docker pull", pullBytes === undefined ? "-" : formatNumber(pullBytes)],
      [
        "  of which a device moved",
        pullBytes === undefined ? "-" : `${((100 * receivedBytes) / pullBytes).toFixed(2)} %`,
      ],
    ];
    process.stdout.write(`${formatTable(rows)}\n`);
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    if (made !== 1 || digests.size !== 1) process.exitCode = 1;
  } finally {
    for (const device of devices) device.close();
    await service.stop();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench:serve: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
