/** Delta images of balenaEngine: their labels, and the tars and deltas in their layers. */
import { encodeUtf8, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { type Image, readDockerArchive } from "../../../src/image/index.ts";
import { readTarIndex } from "../../../src/image/tar/index.ts";
import {
  applyBalenaDelta,
  createBalenaDelta,
  inspectBalenaDelta,
  isBalenaDelta,
} from "../../../src/interop/index.ts";
import { memoryScratch, memorySink, memorySource, readRange } from "../../../src/io/index.ts";
import { buildNewDockerArchive, buildTar } from "../../image/build-image.ts";
import { file, rawTar } from "../../image/tar-builder.ts";
import { makeBytes } from "../../support/pairs.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, type FuzzTarget } from "../target.ts";
import { buildMembers, changeJson, mutateDocuments, readMembers, replaceMember } from "./documents.ts";
import { randomDelta } from "./librsync.ts";
import { repairTar } from "./repair.ts";

const READ = {
  scratch: memoryScratch,
  limits: { jsonBytes: 1 << 15, layers: 10, decompressedBytes: 1 << 20, archiveMembers: 100, manifests: 20 },
};
const LIMITS = { targetBytes: 1 << 20 };
const LABEL = "io.resin.delta.config";

const [FIRST, SECOND, THIRD, EMPTY] = [
  await buildTar([
    ["a", makeBytes(3000, 1)],
    ["b", "b\n".repeat(100)],
  ]),
  await buildTar([
    ["c", makeBytes(2000, 2)],
    ["a", makeBytes(2900, 1)],
  ]),
  await buildTar([
    ["d", makeBytes(2500, 2)],
    ["e", "e"],
  ]),
  await buildTar([]),
];
const BASIS = await buildNewDockerArchive([FIRST, SECOND]);

const open = (bytes: Uint8Array): Promise<Image> => readDockerArchive(memorySource(bytes), READ);
const digestOf = (bytes: Uint8Array): string => `sha256:${toHex(sha256(bytes))}`;

async function createDelta(basis: Image, target: Image): Promise<Uint8Array> {
  const sink = memorySink();
  await createBalenaDelta(basis, target, sink);
  return sink.bytes();
}

async function seeds(): Promise<Uint8Array[]> {
  const made: Uint8Array[] = [];
  for (const layers of [[FIRST, THIRD], [SECOND, FIRST, FIRST], [EMPTY], [FIRST, SECOND]])
    made.push(await createDelta(await open(BASIS), await open(await buildNewDockerArchive(layers))));
  return [...made, BASIS];
}

/** The tar of a layer with another delta in it. */
async function changeLayer(layer: Uint8Array, random: Random): Promise<Uint8Array> {
  const deltas: Uint8Array[] = [];
  for await (const { contentOffset, contentBytes } of readTarIndex(memorySource(layer)))
    deltas.push(layer.slice(contentOffset, contentOffset + contentBytes));
  if (deltas.length === 0 || random.oneIn(3)) deltas[0] = randomDelta(random, FIRST.length + SECOND.length);
  else deltas[0] = mutateBytes(deltas[0]!, random, deltas, []);
  return rawTar(deltas.map((delta) => file(random.oneIn(20) ? "other" : "delta", delta)));
}

/** A config with another target in its label. */
function changeLabel(config: Uint8Array, random: Random): Uint8Array {
  const document = JSON.parse(Buffer.from(config).toString()) as {
    config: { Labels: Record<string, string> };
  };
  const { Labels: labels } = document.config;
  labels[LABEL] = JSON.stringify(changeJson(JSON.parse(labels[LABEL]!), random)) ?? "";
  return new TextEncoder().encode(JSON.stringify(document));
}

async function mutateDelta(input: Uint8Array, random: Random): Promise<Uint8Array | undefined> {
  if (random.oneIn(3)) return mutateDocuments(input, random);
  const found = await attempt(() => readMembers(input));
  if ("code" in found) return undefined;
  const members = found.value;
  const names = [...members.keys()].filter((name) => name.endsWith(random.oneIn(2) ? ".tar" : ".json"));
  const name = random.pick(names);
  if (name === undefined) return undefined;
  try {
    const content = members.get(name)!;
    const changed = name.endsWith(".tar") ? await changeLayer(content, random) : changeLabel(content, random);
    replaceMember(members, name, changed);
  } catch {
    // Not what it was when it was made: other ways to change it are left.
    return undefined;
  }
  return buildMembers(members);
}

/** What was made is the image that it is said to be. */
async function checkMade(archive: Uint8Array, targetId: string): Promise<void> {
  const image = await open(archive);
  demandSame(digestOf(image.config), targetId, "ID of the image");
  const { rootfs } = JSON.parse(Buffer.from(image.config).toString()) as { rootfs: { diff_ids: string[] } };
  for (const [i, layer] of image.layers.entries()) {
    const tar = await layer.openTar!();
    demandSame(
      digestOf(await readRange(tar, 0, tar.size, 1 << 22)),
      rootfs.diff_ids[i]!,
      "digest of a layer",
    );
  }
  await image.close();
}

async function checkDelta(delta: Image): Promise<void> {
  const basis = await open(BASIS);
  const sink = memorySink();
  const applied = await attempt(() => applyBalenaDelta(basis, delta, sink, { limits: LIMITS }));
  if (!("code" in applied)) await checkMade(sink.bytes(), applied.value.targetId);
  const inspected = await attempt(() => inspectBalenaDelta(delta));
  demand("code" in applied || !("code" in inspected), "a delta image that can be applied but not inspected");
  // Any image is something that a delta image can make.
  const made = await attempt(() => createDelta(basis, delta));
  if ("code" in made) return;
  const again = memorySink();
  const { targetId } = await applyBalenaDelta(basis, await open(made.value), again);
  await checkMade(again.bytes(), targetId);
}

/** The reader of balenaEngine's delta images. */
export const balenaTarget: FuzzTarget = {
  name: "balena",
  dictionary: [
    ...[
      "manifest.json",
      "io.resin.delta.base",
      LABEL,
      "delta",
      '"diff_ids":[',
      '"Labels":{',
      '"sha256:',
      "{",
      "[",
      '"',
    ],
  ].map(encodeUtf8),
  seeds,
  mutate: mutateDelta,
  repair: repairTar,
  run: async (input) => {
    const isDelta = await isBalenaDelta(memorySource(input));
    const delta = await attempt(() => open(input));
    if ("code" in delta) return;
    try {
      const inspected = await attempt(() => inspectBalenaDelta(delta.value));
      demand("code" in inspected || isDelta, "a delta image that is not recognised as one");
      await checkDelta(delta.value);
    } finally {
      await delta.value.close();
    }
  },
};
