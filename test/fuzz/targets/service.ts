/** What a delta service answers, its stream of events, and what an agent has noted of it. */
import { encodeUtf8 } from "../../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError, NetworkError } from "../../../src/errors.ts";
import { flattenImage } from "../../../src/image/index.ts";
import { memoryScratch, memorySink, memorySource, type StorageFolder } from "../../../src/io/index.ts";
import { parseEventStream, type ServerEvent, type StreamNotes } from "../../../src/update/event-stream.ts";
import { followService, type Release, serviceSource, type UpdateSource } from "../../../src/update/index.ts";
import { readInstalled } from "../../../src/update/installed.ts";
import { checkAnswer } from "../../../src/update/offers.ts";
import { buildLayers, buildNewDockerArchive, hexOf, json } from "../../image/build-image.ts";
import { inPieces } from "../../support/pairs.ts";
import { attempt, demand, demandSame, Finding, type FuzzTarget } from "../target.ts";
import { answerFrom, HEADS } from "./answers.ts";
import { buildMembers, mutateDocuments, readMembers } from "./documents.ts";
import { repairTar } from "./repair.ts";

const SERVICE = "https://deltas.example/fleet";
const BASIS_DIGEST = `sha256:${"1".repeat(64)}`;
const POLL_MS = 60_000;
const MAX_SLEEPS = 2;

/** Members by the service's routes. */
const ROUTES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\/latest$/u, "latest"],
  [/\/releases$/u, "releases"],
  [/\/info$/u, "info"],
  [/\/delta$/u, "delta"],
  [/\/images\//u, "image"],
  [/\/events$/u, "events"],
];

const nameOf = ({ pathname }: URL): string =>
  ROUTES.find(([pattern]) => pattern.test(pathname))?.[1] ?? "nothing";

async function seeds(): Promise<Uint8Array[]> {
  const image = await buildNewDockerArchive(await buildLayers());
  const flatDigest = `sha256:${hexOf(image)}`;
  const [flatBytes, pullBytes] = [image.length, 1000];
  const release = {
    app: "app",
    version: "2",
    image: "docker://registry.example/app:2",
    sequence: 7,
    state: "ready",
  };
  const latest = { ...release, flatDigest, flatBytes, pullBytes };
  const delta = new Uint8Array(90).fill(3);
  const offer = { state: "ready", basis: BASIS_DIGEST, target: flatDigest };
  const info = { ...offer, digest: `sha256:${hexOf(delta)}`, deltaBytes: delta.length };
  const events = `retry: 500\n\n: hello\n\nid: 7\nevent: release\ndata: ${JSON.stringify(release)}\n\n`;
  const members = new Map<string, Uint8Array | string>([
    ["latest", json(latest)],
    ["releases", json({ releases: [{ ...latest, version: "1", sequence: 3 }, latest] })],
    ["info", json(info)],
    ["delta", delta],
    ["image", image],
    ["events", events],
    ["installed.json", json({ identity: "app:2", digest: flatDigest })],
  ]);
  const refused = new Map(members);
  refused.set("info", json({ code: "NOT_FOUND", message: "no such delta" }));
  refused.set(
    HEADS,
    json({
      info: { ":status": 422 },
      latest: { etag: '"7"' },
      events: { ":status": 503, "retry-after": "3" },
    }),
  );
  const cheaper = new Map(members);
  cheaper.set("info", json({ state: "pull-is-cheaper" }));
  cheaper.set("events", events.replaceAll("\n", "\r\n").repeat(3));
  cheaper.set(HEADS, json({ image: { ":status": 202, "retry-after": "Tue, 24 Nov 2026 10:00:00 GMT" } }));
  return [members, refused, cheaper].map(buildMembers);
}

async function checkRelease(source: UpdateSource, release: Release): Promise<void> {
  const answer = await attempt(async () => {
    const found = await source.findDeltas(BASIS_DIGEST, release, {});
    checkAnswer(found, BASIS_DIGEST, release);
    return found;
  });
  for (const offer of "code" in answer ? [] : answer.value.hops)
    await attempt(async () => {
      const sink = memorySink();
      for await (const piece of await source.openDelta(offer, 0, {})) await sink.write(piece);
      demand(sink.bytes().length === offer.deltaBytes, "a delta of another size than was offered");
    });
  await attempt(async () => {
    const image = await source.pullImage(release, { scratch: memoryScratch, retry: { retries: 0 } });
    try {
      await flattenImage(image, { maxEntries: 2000, maxDepth: 64 });
    } finally {
      await image.close();
    }
  });
}

async function readEvents(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const notes: StreamNotes = { retryMs: undefined };
  const events: ServerEvent[] = [];
  for await (const event of parseEventStream(pieces, notes)) events.push(event);
  return JSON.stringify({ events, notes });
}

/** Follow the service for some rounds; whatever it says, nothing but errors by code may be told of, and waits must be sane. */
async function follow(members: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const stop = new AbortController();
  let sleeps = 0;
  const clock = {
    random: () => 0,
    sleep: async (delayMs: number): Promise<void> => {
      demand(delayMs >= 0 && delayMs <= POLL_MS, `a wait of ${delayMs} ms`);
      if (++sleeps === MAX_SLEEPS) stop.abort(new NetworkError(ErrorCode.TIMEOUT, "enough"));
      stop.signal.throwIfAborted();
    },
  };
  const onError = (error: unknown): void => {
    if (!isFlatdeltaError(error)) throw new Finding("an error without a code", { cause: error });
  };
  const options = {
    fetch: answerFrom(members, nameOf),
    pollMs: POLL_MS,
    signal: stop.signal,
    onError,
    clock,
  };
  await attempt(async () => {
    for await (const _ of followService(SERVICE, "app", options));
  });
  demand(sleeps === MAX_SLEEPS, "following ended by itself");
}

/** A folder with one file, to be read only. */
function folderOf(name: string, bytes: Uint8Array): StorageFolder {
  const file = { ...memorySource(bytes), close: async () => {} };
  return { list: async () => [name], openFile: async () => file } as unknown as StorageFolder;
}

/** The client of delta services. */
export const serviceTarget: FuzzTarget = {
  name: "service",
  dictionary: [
    ...[
      "latest",
      "releases",
      "info",
      "events",
      "installed.json",
      HEADS,
      "data: ",
      "event: release",
      "id: ",
      "retry: ",
    ],
    ...["\n\n", "\r\n", "\r", "\u{feff}", '"flatDigest":"sha256:', '":status":', "null", "{", "[", '"'],
  ].map(encodeUtf8),
  seeds,
  mutate: mutateDocuments,
  repair: repairTar,
  run: async (input) => {
    const found = await attempt(() => readMembers(input));
    if ("code" in found) return;
    const members = found.value;
    const source = serviceSource(SERVICE, { fetch: answerFrom(members, nameOf) });
    for (const wanted of ["app", "app:2"]) {
      const release = await attempt(() => source.resolve(wanted, {}));
      if (!("code" in release)) await checkRelease(source, release.value);
    }
    const events = members.get("events") ?? new Uint8Array(0);
    const whole = await readEvents(inPieces(events, events.length + 1));
    demandSame(await readEvents(inPieces(events, 1 + (events.length % 7))), whole, "events in pieces");
    await follow(members);
    const note = members.get("installed.json");
    if (note !== undefined) await readInstalled(folderOf("installed.json", note));
  },
};
