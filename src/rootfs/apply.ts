import { realpath } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { ErrorCode, UnsupportedError } from "../errors.ts";
import { readRootfs } from "../image/rootfs.ts";
import { locateRootfs } from "../image/rootfs-site.ts";
import type { ByteInput } from "../io/index.ts";
import { lockTarget } from "../io/node.ts";
import { openTreeFolder } from "./node-tree.ts";
import { waitForReleases } from "./release.ts";
import {
  findPendingUpdate,
  type PendingUpdate,
  resumeTreeUpdate,
  type TreeSite,
  type UpdateTreeOptions,
  type UpdateTreeResult,
  updateTree,
} from "./update.ts";

/** Options of {@link applyDeltaToRootfs}. */
export interface ApplyToRootfsOptions extends UpdateTreeOptions {
  /** Path of the image's config JSON. It is replaced along with the tree where the target has another one. */
  config?: string | undefined;
  /** Whether the tree has extended attributes ("read", the default), or none are looked at ("ignore"). */
  xattrs?: "read" | "ignore" | undefined;
}

/** Where a rootfs folder is. */
export type RootfsOptions = Pick<ApplyToRootfsOptions, "config" | "xattrs">;

/** The bytes of a name as folders take them. */
function toBinary(name: string): string {
  return Buffer.from(name).toString("latin1");
}

/** Names of a tree and of what stands beside it, as binary strings, and where they are. */
function locateTree(root: string) {
  const { parent, name, stagingName, sidecarName } = locateRootfs(root);
  if (name === "") {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "expected a folder inside a file system, found the root of all: nothing can stand beside it",
      { path: root },
    );
  }
  return {
    parent,
    name: toBinary(name),
    stagingName: toBinary(stagingName),
    sidecarName: toBinary(sidecarName),
  };
}

/** Open all that belongs to a tree, alone. */
async function withSite<Result>(
  path: string,
  { config, xattrs }: RootfsOptions,
  run: (site: TreeSite) => Promise<Result>,
): Promise<Result> {
  const root = await realpath(path);
  const { parent, name, stagingName, sidecarName } = locateTree(root);
  const lock = await lockTarget(root);
  try {
    const folder = openTreeFolder(parent);
    const configFolder = config === undefined ? undefined : openTreeFolder(dirname(resolve(config)));
    try {
      const uid = process.geteuid!();
      const owner = uid === 0 ? undefined : { uid, gid: process.getegid!() };
      if (owner === undefined && (await folder.stat(sidecarName)) !== undefined) {
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          `the folder is kept by an unprivileged user (${sidecarName} stands beside it); run as that user`,
          { path },
        );
      }
      return await run({
        parent: folder,
        name,
        stagingName,
        sidecarName,
        owner,
        config:
          configFolder === undefined
            ? undefined
            : { folder: configFolder, name: toBinary(basename(config!)) },
        readImage: () => readRootfs(root, { config, xattrs, pending: "read" }),
      });
    } finally {
      await folder.close();
      await configFolder?.close();
      await waitForReleases();
    }
  } finally {
    await lock.release();
  }
}

/**
 * Apply a delta in place to an unpacked root file system, touching only what changes. Linux only. The flat image of the folder
 * is the delta's target afterwards.
 *
 * New contents are staged in a folder `.NAME.flatdelta` beside the tree while the delta is applied. When the target's SHA-256
 * is proven, they are made durable, then a journal of all steps; until then the tree is as it was, and any failure leaves it
 * so. Then the steps are done and made durable, and the journal goes. A run that is stopped after the journal was written,
 * by a power cut too, is completed by the next with the same delta or by {@link resumeRootfs}. Nothing else may write to the
 * tree meanwhile.
 *
 * As root the tree becomes the target to the last attribute. Another user keeps what he cannot set in a file beside the
 * tree, which `readRootfs` takes into account, so that the next delta fits too.
 *
 * Extra space is that of the new and changed files. Whether there is room is checked before anything is written, where the delta says how much
 * that will be, and again before each file is begun.
 *
 * ```ts
 * const delta = await openFileSource("update.delta");
 * const { done, stagedBytes } = await applyDeltaToRootfs("/srv/app", delta, { config: "/srv/app.json" });
 * ```
 *
 * @param delta - in order.
 * @throws {@link StateError} `IN_USE` while another process changes the folder, `UPDATE_PENDING` when an update to another target
 * was interrupted, `BAD_STATE` when one cannot be completed; {@link SpaceError} `NO_SPACE`; {@link MismatchError} `BASIS_MISMATCH`,
 * `SOURCE_CHANGED`; {@link UnsupportedError}; and all that `applyDelta` throws.
 */
export function applyDeltaToRootfs(
  path: string,
  delta: ByteInput,
  options: ApplyToRootfsOptions = {},
): Promise<UpdateTreeResult> {
  return withSite(path, options, (site) => updateTree(site, delta, options));
}

/**
 * Complete an update of a folder that was interrupted after its commit had begun, without the delta. `undefined` when
 * there is none.
 *
 * @throws {@link StateError} `IN_USE`, `BAD_STATE`, `UPDATE_PENDING` when the config's file must be named.
 */
export function resumeRootfs(
  path: string,
  options: RootfsOptions = {},
): Promise<UpdateTreeResult | undefined> {
  return withSite(path, options, (site) => resumeTreeUpdate(site));
}

/** The interrupted update of a folder, if there is one. Changes nothing. */
export async function findPendingRootfsUpdate(path: string): Promise<PendingUpdate | undefined> {
  const { parent, stagingName } = locateTree(await realpath(path));
  const folder = openTreeFolder(parent);
  try {
    return await findPendingUpdate({ parent: folder, stagingName });
  } finally {
    await folder.close();
  }
}
