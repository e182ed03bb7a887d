/** The journal of an interrupted update of a root file system: whatever it says, nothing outside of the tree changes. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { toHex } from "../../../src/bytes/index.ts";
import { createDelta } from "../../../src/encode/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { flattenImage } from "../../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../../src/io/index.ts";
import { resumeTreeUpdate, updateTree } from "../../../src/rootfs/update.ts";
import { PowerCut, SimulatedDisk } from "../../faults/disk.ts";
import { type Entry, putTree, readSimulatedImage, siteOf } from "../../rootfs/simulated-tree.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, type FuzzTarget } from "../target.ts";

const STAGING = ".rootfs.flatdelta";
const HEAD_BYTES = "flatdelta rootfs journal 1\n".length + 65;

const BEFORE: Record<string, Entry> = {
  bin: { folder: true },
  "bin/edited": "a",
  "bin/removed": "r",
  gone: { folder: true },
  "gone/file": "g",
  out: { symlink: "../outside" },
};
const AFTER: Record<string, Entry> = {
  bin: { folder: true, mode: 0o700 },
  "bin/edited": { text: "b", xattrs: { "user.x": "1" } },
  "bin/linked": { link: "bin/edited" },
  made: { folder: true },
  "made/file": "m",
  out: { symlink: "../outside" },
};

const PATHS = [
  "",
  ".",
  "..",
  "../outside/secret",
  "/outside/secret",
  "out/secret",
  "bin/../../outside/secret",
  "bin",
  "made\0",
  "bin//x",
  ".wh.x",
];

/** A disk with an update that waits to be completed, something beside the tree, and the journal as it stands. */
async function makePending(): Promise<{ disk: SimulatedDisk; journal: Uint8Array }> {
  const [disk, target] = [new SimulatedDisk(), new SimulatedDisk()];
  await putTree(disk, BEFORE, {});
  await putTree(target, AFTER, {});
  await disk.folder("").makeFolder("outside");
  const secret = await disk.folder("outside").openFile("secret", "new");
  await secret.write(0, Uint8Array.of(1, 2, 3));
  await secret.close();
  disk.settle();
  const sink = memorySink();
  const [basis, wanted] = [
    await flattenImage(await readSimulatedImage(disk)),
    await flattenImage(await readSimulatedImage(target)),
  ];
  await createDelta(basis, wanted, sink, { level: 1 });
  const whole = disk.clone();
  await updateTree(siteOf(whole), memorySource(sink.bytes()));
  const sealed = whole.operations.findIndex(({ kind }) => kind === "rename");
  disk.cutAt(sealed + 3);
  await updateTree(siteOf(disk), memorySource(sink.bytes())).catch((error: unknown) => {
    if (!(error instanceof PowerCut)) throw error;
  });
  const pending = disk.clone();
  pending.settle();
  const file = await pending.folder(STAGING).openFile("journal", "existing");
  const journal = await readRange(file, 0, file.size);
  await file.close();
  return { disk: pending, journal };
}

const PENDING = await makePending();

/** The file form of a journal's text. */
function seal(text: Uint8Array): Uint8Array {
  const body = new Uint8Array(deflateRawSync(text, { level: 1 }));
  return new Uint8Array(
    Buffer.concat([Buffer.from(`flatdelta rootfs journal 1\n${toHex(sha256(body))}\n`), body]),
  );
}

function textOf(journal: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateRawSync(journal.subarray(HEAD_BYTES), { maxOutputLength: 1 << 20 }));
  } catch {
    return undefined;
  }
}

const STRANGE: readonly unknown[] = [null, 0, -1, 1.5, "", "x", [], {}, [null], true, 2 ** 53];

function change(value: unknown, random: Random): unknown {
  if (typeof value === "string" && !random.oneIn(4)) return random.pick(PATHS);
  if (typeof value !== "object" || value === null || random.oneIn(8)) return random.pick(STRANGE);
  const entries = Object.entries(value);
  if (entries.length === 0) return random.pick(STRANGE);
  const at = random.below(entries.length);
  const [key, inner] = entries[at]!;
  const kind = random.below(6);
  if (kind === 0) entries.splice(at, 1);
  else if (kind === 1) entries.splice(at, 0, [key, inner]);
  else entries[at] = [key, change(inner, random)];
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** What lies outside of the tree. */
async function describeOutside(disk: SimulatedDisk): Promise<string> {
  const names = (await disk.folder("outside").list()).sort();
  const file = await disk.folder("outside").openFile("secret", "existing");
  const stat = await disk.folder("outside").stat("secret");
  const bytes = toHex(await readRange(file, 0, file.size));
  await file.close();
  return JSON.stringify([names, bytes, stat?.mode, stat?.mtimeSeconds, [...(stat?.xattrs.keys() ?? [])]]);
}

const OUTSIDE = await describeOutside(PENDING.disk);

/** Errors that a disk may give where the tree is not what the journal was made for. */
const SYSTEM_ERRORS = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  "ENOTEMPTY",
  "ELOOP",
  "EINVAL",
  "EXDEV",
  "EPERM",
]);

/** The parser of journals, and the steps that they lead to. */
export const rootfsTarget: FuzzTarget = {
  name: "rootfs",
  dictionary: PATHS.map((path) => new TextEncoder().encode(JSON.stringify(path))),
  seeds: async () => [PENDING.journal],
  mutate: async (input, random) => {
    const text = textOf(input);
    if (text === undefined) return undefined;
    try {
      const changed = change(JSON.parse(Buffer.from(text).toString()), random);
      return seal(Buffer.from(JSON.stringify(changed) ?? ""));
    } catch {
      return undefined;
    }
  },
  repair: async (input) => {
    const bytes = input.slice();
    const digest = toHex(sha256(bytes.subarray(HEAD_BYTES)));
    bytes.set(Buffer.from(`flatdelta rootfs journal 1\n${digest}\n`).subarray(0, bytes.length));
    return bytes;
  },
  run: async (input) => {
    const disk = PENDING.disk.clone();
    const file = await disk.folder(STAGING).openFile("journal", "new");
    await file.write(0, input);
    await file.close();
    const site = siteOf(disk);
    const done = await attempt(() => resumeTreeUpdate(site)).catch((error: NodeJS.ErrnoException) => {
      if (SYSTEM_ERRORS.has(error.code ?? "")) return { code: error.code! };
      throw error;
    });
    demandSame(await describeOutside(disk), OUTSIDE, "outside of the tree");
    const names = (await disk.folder("").list()).filter((name) => name !== STAGING).sort();
    demand(
      names.every((name) =>
        ["config.json", "outside", "rootfs", ".config.json.flatdelta-part"].includes(name),
      ),
      `beside the tree: ${names}`,
    );
    if ("code" in done || done.value === undefined) return;
    const flat = await flattenImage(await readSimulatedImage(disk));
    const bytes = await readRange(flat.source, 0, flat.source.size);
    demandSame(toHex(sha256(bytes)), toHex(done.value.targetSha256), "digest of the tree");
  },
};
