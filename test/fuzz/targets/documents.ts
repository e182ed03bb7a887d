/** Tars of JSON documents and blobs that name each other by digests. */
import { toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { readTarIndex } from "../../../src/image/tar/index.ts";
import { memorySource } from "../../../src/io/index.ts";
import { file, rawTar } from "../../image/tar-builder.ts";
import type { Random } from "../random.ts";
import { attempt } from "../target.ts";

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  "",
  "..",
  "../../x",
  "sha256:",
  [],
  {},
  [[]],
  [{}],
  "__proto__",
  // What no primitive value can be made of.
  { toString: 1, valueOf: 1 },
];

/** A JSON value with one place in it changed. */
export function changeJson(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== "object" || value === null;
  if (isLeaf || random.oneIn(6)) {
    if (typeof value === "string" && random.oneIn(2)) return value.slice(random.below(value.length + 1));
    if (typeof value === "number" && random.oneIn(2)) return random.edge(value);
    return random.pick(VALUES);
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return random.pick(VALUES);
  const at = random.below(entries.length);
  const [key, inner] = entries[at]!;
  const kind = random.below(6);
  if (kind === 0) entries.splice(at, 1);
  else if (kind === 1) entries.splice(at, 0, [`${key}2`, inner], [key, inner]);
  else entries[at] = [key, changeJson(inner, random)];
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** Members of an archive by name. */
export async function readMembers(input: Uint8Array): Promise<Map<string, Uint8Array>> {
  const members = new Map<string, Uint8Array>();
  for await (const { header, contentOffset, contentBytes } of readTarIndex(memorySource(input)))
    if (header.type === "file")
      members.set(header.name, input.slice(contentOffset, contentOffset + contentBytes));
  return members;
}

function parseDocument(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("latin1"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Put another content in a member's place, and its digest wherever the old one's stands, up to the index. */
export function replaceMember(members: Map<string, Uint8Array>, name: string, content: Uint8Array): void {
  const before = members.get(name);
  // Renamed already, for what it names has changed.
  if (before === undefined) return;
  members.set(name, content);
  const [from, to] = [before, content].map((bytes) => toHex(sha256(bytes))) as [string, string];
  if (name.includes(from)) {
    members.delete(name);
    members.set(name.replace(from, to), content);
  }
  for (const [other, bytes] of [...members]) {
    const text = Buffer.from(bytes).toString("latin1");
    if (bytes === content || !text.includes(from)) continue;
    // Sizes stand beside digests.
    const changed = text
      .replaceAll(from, to)
      .replaceAll(`${to}","size":${before.length}`, `${to}","size":${content.length}`);
    replaceMember(members, other, new Uint8Array(Buffer.from(changed, "latin1")));
  }
}

/** Change some of the JSON documents among the members of a tar, and the digests that name them. */
export async function mutateDocuments(input: Uint8Array, random: Random): Promise<Uint8Array | undefined> {
  const found = await attempt(() => readMembers(input));
  if ("code" in found || found.value.size === 0) return undefined;
  const members = found.value;
  for (let left = 1 + random.length(2); left > 0 && members.size > 0; left--) {
    const [name, bytes] = random.pick([...members]);
    const document = parseDocument(bytes);
    if (document === undefined) {
      if (random.oneIn(3)) members.delete(name);
      continue;
    }
    const changed = JSON.stringify(changeJson(document, random));
    if (changed !== undefined) replaceMember(members, name, new TextEncoder().encode(changed));
    if (members.size > 50) return undefined;
  }
  return buildMembers(members);
}

/** A tar of members. */
export function buildMembers(members: ReadonlyMap<string, Uint8Array | string>): Uint8Array {
  return rawTar([...members].map(([name, content]) => file(name.slice(0, 100), content)));
}
