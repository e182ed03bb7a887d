/** Random trees in real folders. */
import { execFileSync } from "node:child_process";
import { chmodSync, lchownSync, linkSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { createDelta } from "../../src/encode/index.ts";
import { flattenImage } from "../../src/image/index.ts";
import { readRootfs } from "../../src/image/rootfs.ts";
import { memorySink, memorySource, readRange, type Source } from "../../src/io/index.ts";

/** Something in a folder. */
export interface Item {
  kind: "file" | "folder" | "symlink" | "link" | "device" | "fifo";
  content: string;
  mode: number;
  uid: number;
  mtimeSeconds: number;
  nanoseconds: number;
  xattr: string;
}

/** By path; a folder is made for every path that has something below it. */
export type Items = Readonly<Record<string, Item>>;

const NAMES = ["a", "b", "ä", "c d"];
const CONTENTS = ["", "x", "same", "lorem ipsum ".repeat(50), "q".repeat(70_000), `${"q".repeat(69_999)}r`];

export interface ItemChoices {
  kinds: readonly Item["kind"][];
  uids: readonly number[];
  /** Whether times have fractions and entries have attributes, which take a program each. */
  isRich: boolean;
}

export function arbitraryItems({ kinds, uids, isRich }: ItemChoices): fc.Arbitrary<Items> {
  const path = fc
    .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
    .map((names) => names.join("/"));
  const item: fc.Arbitrary<Item> = fc.record({
    kind: fc.constantFrom(...kinds),
    content: fc.constantFrom(...CONTENTS),
    mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o600),
    uid: fc.constantFrom(...uids),
    mtimeSeconds: fc.constantFrom(0, 1, 1_700_000_000, ...(isRich ? [-5] : [])),
    nanoseconds: fc.constantFrom(0, 0, 0, ...(isRich ? [123_456_789] : [])),
    xattr: fc.constantFrom("", "", "", ...(isRich ? ["1", "2"] : [])),
  });
  return fc.dictionary(path, item, { maxKeys: 8, noNullPrototype: true });
}

/** Two trees of which the second has much of the first. */
export function arbitraryPair(choices: ItemChoices): fc.Arbitrary<readonly [Items, Items]> {
  return fc
    .tuple(
      arbitraryItems(choices),
      arbitraryItems(choices),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    )
    .map(([before, other, keeps]) => {
      const kept = Object.entries(before).filter((_, i) => keeps[i]);
      return [before, { ...other, ...Object.fromEntries(kept) }] as const;
    });
}

/** Make the tree in an empty folder. What cannot stand where it is asked for is left out. */
export function buildTree(root: string, items: Items): void {
  mkdirSync(root, { recursive: true });
  const folders = new Map<string, Item | undefined>();
  const files: string[] = [];
  const taken = new Set<string>();
  const makeFolder = (path: string): boolean => {
    if (path === "" || folders.has(path)) return true;
    const slash = path.lastIndexOf("/");
    if (taken.has(path) || !makeFolder(path.slice(0, Math.max(slash, 0)))) return false;
    mkdirSync(`${root}/${path}`);
    folders.set(path, undefined);
    return true;
  };
  for (const [path, item] of Object.entries(items)) {
    const full = `${root}/${path}`;
    const slash = path.lastIndexOf("/");
    if (taken.has(path) || (folders.has(path) && item.kind !== "folder")) continue;
    if (!makeFolder(path.slice(0, Math.max(slash, 0)))) continue;
    if (item.kind === "folder") {
      if (makeFolder(path)) folders.set(path, item);
      continue;
    }
    taken.add(path);
    if (item.kind === "link" && files.length > 0) {
      linkSync(`${root}/${files[item.mtimeSeconds % files.length] ?? files[0]}`, full);
      continue;
    }
    if (item.kind === "symlink") symlinkSync(item.content.slice(0, 9) || "nowhere", full);
    else if (item.kind === "fifo") execFileSync("mkfifo", ["--", full]);
    else if (item.kind === "device")
      execFileSync("mknod", ["--", full, "c", "1", item.content.length > 1 ? "3" : "5"]);
    else {
      writeFileSync(full, item.content);
      files.push(path);
    }
    dress(full, item);
  }
  // Children first: what is made in a folder moves its time.
  for (const path of [...folders.keys()].reverse()) {
    const full = `${root}/${path}`;
    const item = folders.get(path);
    if (item === undefined) lutimesSync(full, 5, 5);
    else dress(full, { ...item, mode: item.mode | 0o700 });
  }
}

function dress(full: string, item: Item): void {
  lchownSync(full, item.uid, item.uid);
  if (item.kind !== "symlink") chmodSync(full, item.mode);
  if (item.xattr !== "" && (item.kind === "file" || item.kind === "folder"))
    execFileSync("setfattr", ["-n", "user.x", "-v", item.xattr, "--", full]);
  if (item.nanoseconds === 0 && item.mtimeSeconds >= 0)
    lutimesSync(full, item.mtimeSeconds, item.mtimeSeconds);
  else execFileSync("touch", ["-h", "-d", `@${item.mtimeSeconds}.${item.nanoseconds}`, "--", full]);
}

/** The bytes of a folder's flat image. */
export async function flattenFolder(
  root: string,
  options: { config?: string; xattrs?: "read" | "ignore" } = {},
): Promise<Uint8Array> {
  const image = await readRootfs(root, options);
  const flat = await flattenImage(image);
  const bytes = await readRange(flat.source, 0, flat.source.size);
  await image.close();
  return bytes;
}

/** A delta between two folders' flat images. */
export async function deltaBetween(
  before: string,
  after: string,
  options: { config?: string; newConfig?: string; xattrs?: "read" | "ignore" } = {},
): Promise<Source> {
  const { newConfig: config = options.config, xattrs } = options;
  const [oldImage, newImage] = [
    await readRootfs(before, options),
    await readRootfs(after, { config, xattrs }),
  ];
  const sink = memorySink();
  await createDelta(await flattenImage(oldImage), await flattenImage(newImage), sink, { level: 1 });
  await oldImage.close();
  await newImage.close();
  return memorySource(sink.bytes());
}
