import { DEFAULT_LEVEL, DELTA_CODECS } from "../../encode/index.ts";
import { createDeltaService } from "../../serve/index.ts";
import { createFolderStore, createProcessMaker, serveHttp } from "../../serve/node.ts";
import { IMAGE_OPTIONS, REGISTRY_OPTIONS } from "../arguments.ts";
import type { Command } from "../command.ts";
import { addConfigFile, CONFIG_OPTION } from "../config-file.ts";
import { formatCount } from "../format.ts";
import { createServeLog } from "./serve-log.ts";
import { parseServeOptions } from "./serve-options.ts";

/** `flatdelta serve`. */
export const serve: Command = {
  operands: [],
  description: `Run a delta service: releases are announced to it over HTTP, devices are told of them and get the delta from what
they have to what they want. Each delta is made once, in the background, and kept. SIGTERM and SIGINT end it when the
answers that are under way have come to their end. docs/SERVICE.md has the protocol.`,
  options: {
    port: { type: "string", value: "N", help: "port to listen on, 0 for any that is free (8080)" },
    host: { type: "string", value: "ADDRESS", help: "address to listen on (127.0.0.1, this machine alone)" },
    store: { type: "string", value: "DIR", help: "where releases, flat images and deltas are kept; needed" },
    images: { type: "string", value: "DIR", help: "folder with archives of images that releases may name" },
    "allow-registry": {
      type: "string",
      value: "HOST[,…]",
      help: "registries that releases may name, as in registry.example.com or 127.0.0.1:5000",
    },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "which image of a multi-platform one to take",
    },
    ...REGISTRY_OPTIONS,
    tmp: IMAGE_OPTIONS.tmp!,
    "token-file": {
      type: "string",
      value: "FILE",
      help: "tokens, each on a line of its own behind the word read or write",
    },
    "max-jobs": { type: "string", value: "N", help: "images read and deltas made at the same time (1)" },
    "max-waiting": { type: "string", value: "N", help: "how many may wait for that (1000)" },
    "max-store": {
      type: "string",
      value: "SIZE",
      help: "flat images and deltas that are kept, as in 50G (50G)",
    },
    "max-age": {
      type: "string",
      value: "DAYS",
      help: "how long they are kept when nobody asks for them (30)",
    },
    ahead: {
      type: "string",
      value: "N",
      help: "from how many earlier releases deltas are made before a device asks (1)",
    },
    level: { type: "string", value: "LEVEL", help: `as in flatdelta delta (${DEFAULT_LEVEL})` },
    codec: { type: "string", value: "NAME", help: `as in flatdelta delta: ${DELTA_CODECS.join(", ")}` },
    workers: { type: "string", value: "N", help: "threads that make one delta, as in flatdelta delta" },
    "requests-per-minute": {
      type: "string",
      value: "N",
      help: "requests that one address may make in a minute (6000)",
    },
    "max-listeners": { type: "string", value: "N", help: "devices that listen at the same time (10000)" },
    "trust-proxy": {
      type: "boolean",
      help: "take the client's address from the last entry of X-Forwarded-For",
    },
    log: { type: "string", value: "text|json", help: "form of the log on standard error (text)" },
    ...CONFIG_OPTION,
  },
  examples: [
    [
      "of archives in a folder",
      "flatdelta serve --store /var/lib/flatdelta --images /srv/images --token-file /etc/flatdelta/tokens",
    ],
    [
      "of a registry, for the whole network",
      "flatdelta serve --store DIR --allow-registry registry.example.com --host 0.0.0.0 --port 80",
    ],
    ["with all options in a file", "flatdelta serve --config /etc/flatdelta/serve.json"],
  ],
  run: async (_, { values, signal, log }) => {
    const options = parseServeOptions(addConfigFile(values, serve.options));
    const { tell, tellRequest, requestCount } = createServeLog(options.log, log);
    const service = await createDeltaService({
      ...options.service,
      store: await createFolderStore(options.store),
      maker: createProcessMaker(options.maker),
      onEvent: tell,
    });
    const server = await serveHttp(service, { ...options.http, onRequest: tellRequest }).catch(
      async (error) => {
        await service.close();
        throw error;
      },
    );
    tell({ event: "listening", url: server.url });
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    tell({ event: "closing" });
    await server.close();
    return {
      report: { url: server.url, requests: requestCount() },
      lines: [["served", `${formatCount(requestCount())} requests at ${server.url}`]],
    };
  },
};
