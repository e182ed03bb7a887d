import type { SidecarEntry } from "../image/rootfs-sidecar.ts";
import type { TargetNode } from "./target.ts";

/** A user who is not root. */
export interface Owner {
  uid: number;
  gid: number;
}

// What the user needs to keep the tree and to read it again.
const FOLDER_BITS = 0o700;
const FILE_BITS = 0o600;
// They would give others the rights of this user instead of the image's.
const SET_ID_BITS = 0o6000;

const isOwn = (name: string) => name.startsWith("user.");

/** The nearest that an unprivileged user can make of a node. */
export function realizeNode(node: TargetNode, owner: Owner): TargetNode {
  const isDevice = node.type === "character" || node.type === "block";
  const type = isDevice ? "file" : node.type;
  const isForeign = node.uid !== owner.uid || node.gid !== owner.gid;
  const bits = type === "directory" ? FOLDER_BITS : type === "symlink" ? 0 : FILE_BITS;
  const mode = (isForeign ? node.mode - (node.mode & SET_ID_BITS) : node.mode) | bits;
  const canHold = type === "directory" || type === "file";
  const xattrs = new Map([...node.xattrs].filter(([name]) => canHold && isOwn(name)));
  return { ...node, ...owner, type, mode, xattrs };
}

/** What the tree does not show of a node; `undefined` when it shows all of it. */
export function describeHidden(node: TargetNode, owner: Owner): SidecarEntry | undefined {
  const real = realizeNode(node, owner);
  const hidesXattrs = real.xattrs.size !== node.xattrs.size;
  const isSame =
    real.type === node.type &&
    real.mode === node.mode &&
    real.uid === node.uid &&
    real.gid === node.gid &&
    !hidesXattrs;
  if (isSame) return undefined;
  const { mode, uid, gid, deviceMajor, deviceMinor } = node;
  return {
    ...(node.type === "character" || node.type === "block"
      ? { type: node.type, deviceMajor, deviceMinor }
      : {}),
    mode,
    uid,
    gid,
    ...(hidesXattrs
      ? {
          xattrs: Object.fromEntries(
            [...node.xattrs].map(([name, value]) => [name, Buffer.from(value).toString("base64")]),
          ),
        }
      : {}),
  };
}
