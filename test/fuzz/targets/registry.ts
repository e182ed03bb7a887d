/** What a registry answers: challenges, tokens, manifests, indexes, lists of referrers and their annotations, blobs. */
import { encodeUtf8, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { flattenImage } from "../../../src/image/index.ts";
import { memoryScratch, memorySink, readRange } from "../../../src/io/index.ts";
import { deltaManifest } from "../../../src/registry/artifact.ts";
import { parseChallenges } from "../../../src/registry/challenge.ts";
import { findDeltas, openDelta, RegistryClient, readRegistryImage } from "../../../src/registry/index.ts";
import { registrySource } from "../../../src/update/index.ts";
import { checkAnswer } from "../../../src/update/offers.ts";
import { buildConfig, buildLayers, hexOf, json, LayoutBuilder } from "../../image/build-image.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { answerFrom, HEADS } from "./answers.ts";
import { buildMembers, mutateDocuments, readMembers } from "./documents.ts";
import { repairTar } from "./repair.ts";

const IMAGE = "registry.example/app:1";
const PLATFORM = { os: "linux", architecture: "amd64" };
const LIMITS = { jsonBytes: 1 << 14, layers: 10, decompressedBytes: 1 << 20, manifests: 20 };

const digestOf = (bytes: Uint8Array): string => `sha256:${hexOf(bytes)}`;
const BASIS_DIGEST = digestOf(Uint8Array.of(1));

/** Of a registry's URL what is behind the repository; of others the last part. */
function nameOf({ host, pathname }: URL): string {
  if (host !== "registry.example") return "token";
  return decodeURIComponent(/^\/v2\/app\/(.*)$/u.exec(pathname)?.[1] ?? pathname.slice(1));
}

type Members = Map<string, Uint8Array | string>;

/** A repository with an image, and deltas to it from another image that has one, too. */
async function buildRepository({ hasReferrers = true, isIndex = false } = {}): Promise<Members> {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const image = layout.addManifest(layers, isIndex ? { platform: PLATFORM } : {});
  const older = layout.addManifest(layers.slice(0, 1));
  const root = isIndex ? layout.addIndex([image]) : image;
  const members: Members = new Map();
  for (const [name, bytes] of layout.files) {
    const hex = /^blobs\/sha256\/(.*)$/.exec(name)?.[1];
    if (hex === undefined) continue;
    const isManifest = Buffer.from(bytes).toString("latin1").startsWith('{"schemaVersion"');
    members.set(`${isManifest ? "manifests" : "blobs"}/sha256:${hex}`, bytes);
    if (root.digest === `sha256:${hex}`) members.set("manifests/1", bytes);
  }
  const addDelta = (from: string, to: string, manifest: typeof image, basisManifestDigest?: string): void => {
    const delta = new Uint8Array(100).fill(to.charCodeAt(10));
    const facts = {
      ...{ basisFlatDigest: from, basisFlatBytes: 2000, basisManifestDigest },
      ...{ targetFlatDigest: to, targetFlatBytes: 3000 },
      ...{ deltaDigest: digestOf(delta), deltaBytes: delta.length },
    };
    const artifact = deltaManifest(facts, manifest);
    const bytes = json(artifact);
    const { mediaType, artifactType, annotations } = artifact;
    const referrer = { mediaType, digest: digestOf(bytes), size: bytes.length, artifactType, annotations };
    const index = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [referrer],
    };
    members.set(`blobs/${facts.deltaDigest}`, delta);
    members.set(`manifests/${digestOf(bytes)}`, bytes);
    const list = hasReferrers
      ? `referrers/${manifest.digest}`
      : `manifests/${manifest.digest.replace(":", "-")}`;
    members.set(list, json(index));
  };
  const [middle, target] = [digestOf(Uint8Array.of(2)), digestOf(buildConfig(layers))];
  addDelta(BASIS_DIGEST, middle, older);
  addDelta(middle, target, image, older.digest);
  return members;
}

const heads = (value: object): [string, Uint8Array] => [HEADS, json(value)];

async function seeds(): Promise<Uint8Array[]> {
  const plain = await buildRepository();
  const linked = await buildRepository();
  const next = `</v2/app/referrers/next?n=1>; rel="next"`;
  linked.set(...heads({ referrers: { link: next, "oci-filters-applied": "artifactType" }, blobs: {} }));
  const guarded = await buildRepository({ isIndex: true });
  guarded.set(
    "challenge",
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:app:pull"',
  );
  guarded.set(
    "token",
    json({ token: "abc", access_token: "abc", expires_in: 300, issued_at: "2026-01-01T00:00:00Z" }),
  );
  const basic = await buildRepository({ hasReferrers: false });
  basic.set("challenge", 'Basic realm="registry"');
  const moved = await buildRepository();
  moved.set(
    ...heads({ blobs: { ":status": 307, location: "https://cdn.example/x" }, "": { "retry-after": "1" } }),
  );
  return [plain, linked, guarded, basic, moved].map(buildMembers);
}

/** An image is what its digests say, or is refused. */
async function checkImage(client: RegistryClient): Promise<void> {
  const read = async (): Promise<string> => {
    const options = { client, platform: PLATFORM, scratch: memoryScratch, limits: LIMITS };
    const image = await readRegistryImage(IMAGE, options);
    try {
      const { source } = await flattenImage(image, { maxEntries: 2000, maxDepth: 64 });
      return toHex(sha256(await readRange(source, 0, source.size, 1 << 24)));
    } finally {
      await image.close();
    }
  };
  const told = (text: string): string => text;
  const first = await attempt(read);
  if ("code" in first) return;
  demandSame(describeOutcome(await attempt(read), told), first.value, "the image, read again");
}

async function checkDeltas(client: RegistryClient): Promise<void> {
  const found = await attempt(() => findDeltas(IMAGE, { client, platform: PLATFORM }));
  if ("code" in found) return;
  for (const delta of found.value.deltas.slice(0, 3)) {
    const bytes = await attempt(async () => {
      const download = await openDelta(client, delta);
      try {
        const sink = memorySink();
        for await (const piece of download) await sink.write(piece);
        return sink.bytes();
      } finally {
        await download.close();
      }
    });
    if ("code" in bytes) continue;
    demand(bytes.value.length === delta.deltaBytes, "a delta of another size than was listed");
    demandSame(digestOf(bytes.value), delta.deltaDigest, "digest of a delta");
  }
}

/** What `updateImage` asks of a registry without a service. */
async function checkSource(source: ReturnType<typeof registrySource>): Promise<void> {
  const release = await attempt(() => source.resolve(IMAGE, {}));
  if ("code" in release) return;
  const answer = await attempt(() => source.findDeltas(BASIS_DIGEST, release.value, {}));
  if ("code" in answer) return;
  const { hops } = answer.value;
  await attempt(async () => checkAnswer(answer.value, BASIS_DIGEST, release.value));
  let at = BASIS_DIGEST;
  for (const { basisDigest, targetDigest } of hops) {
    demandSame(basisDigest, at, "where a delta of a chain begins");
    at = targetDigest;
  }
  const sum = hops.reduce((total, { deltaBytes }) => total + deltaBytes, 0);
  demand(hops.length === 0 || sum < release.value.pullBytes!, "deltas with more bytes than a pull");
}

/** The client of registries. */
export const registryTarget: FuzzTarget = {
  name: "registry",
  dictionary: [
    ...[
      "manifests/",
      "blobs/",
      "referrers/",
      "challenge",
      "token",
      HEADS,
      "Bearer ",
      "Basic ",
      'realm="',
      'scope="',
    ],
    ...[
      '"digest":"sha256:',
      '"annotations":{',
      '"size":',
      '"manifests":[',
      '"link":"<',
      'rel="next"',
      "{",
      "[",
      '"',
    ],
  ].map(encodeUtf8),
  seeds,
  mutate: mutateDocuments,
  repair: repairTar,
  run: async (input) => {
    const text = Buffer.from(input).toString("latin1");
    for (const { scheme } of parseChallenges(text.slice(0, 4000)))
      demand(scheme !== "", "a scheme without a name");
    const members = await attempt(() => readMembers(input));
    if ("code" in members) return;
    const access = {
      fetch: answerFrom(members.value, nameOf),
      credentials: async () =>
        input.length % 3 === 0 ? { identityToken: "id" } : { username: "user", password: "secret" },
    };
    const newClient = () =>
      new RegistryClient({ ...access, fetch: answerFrom(members.value, nameOf), retry: { retries: 0 } });
    await checkImage(newClient());
    await checkDeltas(newClient());
    await checkSource(registrySource({ ...access, platform: PLATFORM }));
  },
};
