/**
 * The flat image holds what the layers make together: compared with umoci, GNU tar and skopeo.
 *
 * @module
 */
import { join } from "node:path";
import type { Check, CheckContext, PreparedImage } from "./checks.ts";
import { expectEqual, expectNone } from "./checks.ts";
import { copyImage, extractFlatLayer, readConfig, unpackWithUmoci } from "./images.ts";
import { buildGnuSparseImage, STRESS_TAG } from "./stress-image.ts";
import { flatdelta, run } from "./tools.ts";
import { compareTrees, readTree } from "./tree.ts";

/** Flatten an image from its layout. */
function flattenLayout(image: PreparedImage, work: string): string {
  const flat = join(work, `${image.name}.flat`);
  flatdelta("flatten", `oci:${image.layout}:${image.tag}`, "-o", flat);
  return flat;
}

function checkTreeOfFlatLayer({ images, work }: CheckContext): void {
  for (const image of images) {
    const folder = extractFlatLayer(flattenLayout(image, work), join(work, image.name));
    expectNone(compareTrees(readTree(image.tree), readTree(folder)), image.name);
  }
}

function checkGnuSparseFiles({ work }: CheckContext): void {
  const { layout, folder } = buildGnuSparseImage(work);
  const flat = join(work, "sparse.flat");
  flatdelta("flatten", `oci:${layout}:${STRESS_TAG}`, "-o", flat);
  expectNone(compareTrees(readTree(folder), readTree(extractFlatLayer(flat, join(work, "made")))), "sparse");
}

function checkFlatIsAnImage({ images, work }: CheckContext): void {
  for (const image of images) {
    const flat = flattenLayout(image, work);
    for (const transport of ["oci-archive", "docker-archive"]) {
      const inspected = JSON.parse(run("skopeo", ["inspect", `${transport}:${flat}`]).toString());
      expectEqual(inspected.Layers.length, 1, `${image.name}: layers that skopeo inspects in ${transport}`);
      const layout = join(work, `${image.name}-${transport}.oci`);
      copyImage(`${transport}:${flat}`, `oci:${layout}:again`);
      const tree = unpackWithUmoci(layout, "again", join(work, `${image.name}-${transport}.bundle`));
      expectNone(compareTrees(readTree(image.tree), readTree(tree)), `${image.name} as ${transport}`);
      expectSameSettings(readConfig(image.layout), readConfig(layout), `${image.name} as ${transport}`);
    }
  }
}

/** What a container is started with must come through; layers and history are others. */
function expectSameSettings(before: Buffer, after: Buffer, what: string): void {
  const settings = (config: Buffer): string => {
    const { rootfs: _, history: __, ...rest } = JSON.parse(config.toString()) as Record<string, unknown>;
    return JSON.stringify(rest, sortKeys);
  };
  expectEqual(settings(after), settings(before), `${what}: settings in the config`);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Changes to the stress image's tree, as shell commands, and what the comparison must say of each. */
const CHANGES: readonly (readonly [command: string, said: RegExp])[] = [
  ["touch -d '2026-01-02 03:04:05.123456788 UTC' times/subsecond", /times\/subsecond.*mtimeNanoseconds/u],
  ["setfattr -x security.capability bin/ping", /bin\/ping.*xattrs/u],
  ["setfattr -h -n trusted.link -v 33 xattrs/link", /xattrs\/link.*xattrs/u],
  ["chmod 755 bin/su", /bin\/su.*mode/u],
  ["chown 1:1 run/pipe", /run\/pipe.*owner/u],
  ["rm hard/from-above && cp -a hard/alone hard/from-above", /hard\/alone.*hardLinkGroup/u],
  ["rm dev/large && mknod dev/large c 300 70001", /dev\/large.*device/u],
  ["rm kind/file-to-folder/now/a/folder", /now\/a\/folder.* is missing/u],
  ["touch names/more", /names\/more.* is too many/u],
  ["ln -sfn usr/bin lib", /lib.*link/u],
  ["printf 2 | dd of=etc/one-block conv=notrunc status=none", /etc\/one-block.*sha256/u],
  ["chmod 755 .", /"\/".*mode/u],
];

/** An oracle that sees nothing would let everything pass. */
function checkComparison({ images, work }: CheckContext): void {
  const { tree } = images.find(({ name }) => name === "stress")!;
  const expected = readTree(tree);
  const copy = join(work, "copy");
  for (const [command, said] of CHANGES) {
    run("cp", ["--archive", tree, copy]);
    expectNone(compareTrees(expected, readTree(copy)), "an unchanged copy");
    run("sh", ["-c", command], { cwd: copy });
    const differences = compareTrees(expected, readTree(copy));
    expectEqual(
      differences.some((difference) => said.test(difference)),
      true,
      `whether the comparison sees "${command}"`,
    );
    run("rm", ["-rf", copy]);
  }
}

export const TREE_CHECKS: readonly Check[] = [
  { claim: "the comparison of trees sees every kind of difference", run: checkComparison },
  {
    claim: "the flat layer, extracted by GNU tar, is the tree that umoci makes of the original layers",
    run: checkTreeOfFlatLayer,
  },
  { claim: "sparse files in GNU tar's own form come out as GNU tar wrote them", run: checkGnuSparseFiles },
  {
    claim: "skopeo inspects and copies a flat image in both forms, and umoci makes the same tree of the copy",
    run: checkFlatIsAnImage,
  },
];
