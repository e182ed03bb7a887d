import { applyOpened, type WindowObserver } from "../apply/apply.ts";
import type { ApplyOptions, ApplyResult } from "../apply/index.ts";
import { encodeUtf8, equalBytes, toHex } from "../bytes/index.ts";
import type { SegmentCoding } from "../codec/index.ts";
import { type DeltaHeader, DeltaReader } from "../delta/index.ts";
import { ErrorCode, isFlatdeltaError, MismatchError, StateError, UnsupportedError } from "../errors.ts";
import { hashSource } from "../hash/index.ts";
import { encodeFlatConfig, readFlatDigest } from "../image/flat/config.ts";
import { type FlatTree, flattenTree } from "../image/flat.ts";
import { encodeSidecar, type SidecarEntry } from "../image/rootfs-sidecar.ts";
import { mergeLayers, type TreeNode, walkTree } from "../image/tree.ts";
import type { Image } from "../image/types.ts";
import type { ByteInput, Source } from "../io/index.ts";
import { createChannel } from "./channel.ts";
import { type CommitPlace, commitSteps, installFile, StagedName } from "./commit.ts";
import { CopiedRanges } from "./copied-ranges.ts";
import { encodeJournal, type Journal, readJournal, removeStaging, writeJournal } from "./journal.ts";
import { isEmptyPlan, planSteps, type Steps } from "./plan.ts";
import { TargetReader } from "./read-target.ts";
import { describeHidden, type Owner, realizeNode } from "./realize.ts";
import { checkRoom, neededBytesOf, Staging } from "./staging.ts";
import { findNode, splitPath, type TargetNode } from "./target.ts";
import type { TargetTree } from "./target-tree.ts";
import type { TreeAttributes, TreeFolder } from "./tree-folder.ts";
import { TreeHandles } from "./tree-handles.ts";

/** A tree that is changed in place, and what belongs to it. */
export interface TreeSite {
  /** The folder that holds the tree; the staging folder and the sidecar come to lie in it too. */
  readonly parent: TreeFolder;
  readonly name: string;
  readonly stagingName: string;
  readonly sidecarName: string;
  /** The config's file, where the image has one. */
  readonly config: { readonly folder: TreeFolder; readonly name: string } | undefined;
  /** Who keeps the tree, when that is not root. */
  readonly owner: Owner | undefined;
  /** Read the tree as it is, whether an update is pending or not. */
  readImage(): Promise<Image>;
}

/** Options of an update. */
export interface UpdateTreeOptions extends Omit<ApplyOptions, "segmentCoding"> {
  /**
   * Where segments are decoded, or who chooses that by the number of the present tree's entries: each of them takes memory, and so does
   * a thread.
   */
  segmentCoding?: SegmentCoding | ((entryCount: number) => SegmentCoding | undefined) | undefined;
}

/** What an update did. */
export interface UpdateTreeResult {
  /**
   * `"applied"`: the tree was the basis and is the target now. `"resumed"`: an interrupted update was completed.
   * `"none"`: it was the target already.
   */
  done: "applied" | "resumed" | "none";
  targetBytes: number;
  targetSha256: Uint8Array;
  /** Entries that were put in place, removed, or given other attributes. */
  placedEntries: number;
  removedEntries: number;
  changedAttributes: number;
  /** The extra space that there had to be, as far as the delta says, before anything was written. */
  neededBytes: number;
  /** Contents that were written: the changed and new files. The extra space that the update took. */
  stagedBytes: number;
  /** Files, links and devices that were written. */
  stagedEntries: number;
  /** Of the journal. */
  journalBytes: number;
  /** What the delta did, unless it was not applied. */
  applied: ApplyResult | undefined;
}

const NO_CHANGES = {
  placedEntries: 0,
  removedEntries: 0,
  changedAttributes: 0,
  neededBytes: 0,
  stagedBytes: 0,
  stagedEntries: 0,
  journalBytes: 0,
  applied: undefined,
};

const HASH_CHUNK_BYTES = 1 << 18;

function hashWithProgress(
  source: Source,
  { signal, onProgress }: Pick<UpdateTreeOptions, "signal" | "onProgress"> = {},
  phase = "verify",
): Promise<Uint8Array> {
  const onBytes = (doneBytes: number): void => onProgress?.({ phase, doneBytes, totalBytes: source.size });
  return hashSource(source, { chunkBytes: HASH_CHUNK_BYTES, signal, onBytes });
}

/** The journal of an interrupted update; what was only prepared is thrown away. */
async function takePending(site: TreeSite): Promise<Journal | undefined> {
  if ((await site.parent.stat(site.stagingName)) === undefined) return undefined;
  const staging = await site.parent.openFolder(site.stagingName);
  let journal: Journal | undefined;
  try {
    journal = await readJournal(staging);
  } finally {
    await staging.close();
  }
  if (journal === undefined) await removeStaging(site.parent, site.stagingName);
  return journal;
}

async function openPlace(site: TreeSite): Promise<CommitPlace> {
  const { parent, name, stagingName } = site;
  const root = await parent.openFolder(name);
  const staging = await parent.openFolder(stagingName);
  return { parent, name, root, staging };
}

async function closePlace({ root, staging }: CommitPlace): Promise<void> {
  await root.close();
  await staging.close();
}

async function readRootInode({ parent, name }: TreeSite): Promise<string> {
  return String((await parent.stat(name))?.inode);
}

/**
 * Complete what the journal says; it must be the site's.
 *
 * @param isRerun - whether an earlier run was stopped in it.
 */
async function complete(site: TreeSite, journal: Journal, isRerun: boolean): Promise<void> {
  if ((await readRootInode(site)) !== journal.rootInode) {
    throw new StateError(
      ErrorCode.BAD_STATE,
      `the interrupted update was of another folder; if this one is whole, remove ${site.stagingName} beside it`,
    );
  }
  const place = await openPlace(site);
  try {
    await commitSteps(place, journal, isRerun);
    if (journal.hasSidecar)
      await installFile(place.staging, StagedName.SIDECAR, site.parent, site.sidecarName);
    if (journal.hasConfig && site.config !== undefined)
      await installFile(place.staging, StagedName.CONFIG, site.config.folder, site.config.name);
    if (isRerun) await verifyTarget(site, journal);
  } finally {
    await closePlace(place);
  }
  await removeStaging(site.parent, site.stagingName);
}

/** After a cut nothing is believed that is not proven. */
async function verifyTarget(site: TreeSite, { targetSha256 }: Journal): Promise<void> {
  const image = await site.readImage();
  try {
    const flat = await flattenTree(await mergeLayers(image.layers), image.config);
    const actual = toHex(await hashWithProgress(flat.source));
    if (actual === targetSha256) return;
    throw new StateError(
      ErrorCode.BAD_STATE,
      `the interrupted update was completed, but the tree is not its target: expected SHA-256 ${targetSha256}, found ${actual}; it needs a whole pull`,
      { expected: targetSha256, actual },
    );
  } finally {
    await image.close();
  }
}

/** What of an update is pending, for people and policy. */
export interface PendingUpdate {
  basisSha256: string;
  targetSha256: string;
  targetBytes: number;
}

/**
 * The update that was interrupted after its commit had begun, if there is one. Changes nothing.
 *
 * @throws {@link StateError} `BAD_STATE` when its journal is damaged.
 */
export async function findPendingUpdate(
  site: Pick<TreeSite, "parent" | "stagingName">,
): Promise<PendingUpdate | undefined> {
  if ((await site.parent.stat(site.stagingName)) === undefined) return undefined;
  const staging = await site.parent.openFolder(site.stagingName);
  try {
    const journal = await readJournal(staging);
    if (journal === undefined) return undefined;
    const { basisSha256, targetSha256, targetBytes } = journal;
    return { basisSha256, targetSha256, targetBytes };
  } finally {
    await staging.close();
  }
}

/**
 * Complete the update that was interrupted, if there is one.
 *
 * @throws {@link StateError} `BAD_STATE` when that is impossible.
 */
export async function resumeTreeUpdate(site: TreeSite): Promise<UpdateTreeResult | undefined> {
  const journal = await takePending(site);
  if (journal === undefined) return undefined;
  if (journal.hasConfig && site.config === undefined) {
    throw new StateError(
      ErrorCode.UPDATE_PENDING,
      "the interrupted update changes the image's config too: name its file, as in rootfs:FOLDER:CONFIG.json",
    );
  }
  await complete(site, journal, true);
  return {
    ...NO_CHANGES,
    done: "resumed",
    targetBytes: journal.targetBytes,
    targetSha256: new Uint8Array(Buffer.from(journal.targetSha256, "hex")),
  };
}

/**
 * Turn a tree into the target of a delta, touching only what changes.
 *
 * New contents are staged beside the tree while the delta is applied. When the target's SHA-256 is proven, they are made
 * durable, then a journal of all steps; until then the tree is as it was, and any failure leaves it so. Then the steps
 * are done, and made durable, before the journal goes. A run that is stopped after the journal was written is completed by
 * the next with the same delta, or by {@link resumeTreeUpdate}.
 *
 * @throws {@link StateError} `UPDATE_PENDING` when an update to another target was interrupted, `BAD_STATE`;
 * {@link SpaceError} `NO_SPACE`; {@link MismatchError} `BASIS_MISMATCH` and all that `applyDelta` throws.
 */
export async function updateTree(
  site: TreeSite,
  delta: ByteInput,
  options: UpdateTreeOptions = {},
): Promise<UpdateTreeResult> {
  const reader = await DeltaReader.open(delta, { limits: options.limits, signal: options.signal });
  try {
    const pending = await findPendingUpdate(site);
    const target = toHex(reader.header.targetSha256);
    if (pending !== undefined && pending.targetSha256 !== target) {
      throw new StateError(
        ErrorCode.UPDATE_PENDING,
        `an update to another target was interrupted: expected the delta to SHA-256 ${pending.targetSha256}, found one to ${target}; complete it first, with --resume`,
        { expected: pending.targetSha256, actual: target },
      );
    }
    const resumed = await resumeTreeUpdate(site);
    if (resumed !== undefined) return resumed;
    const image = await site.readImage();
    try {
      return await new Update(site, reader, image, options).run();
    } finally {
      await image.close();
    }
  } finally {
    await reader.close();
  }
}

/** The present tree as a flat image. */
interface Basis extends Pick<FlatTree, "source" | "contentAt"> {
  /** Whether its head follows from a digest of the layer that the config says, and nobody has computed. */
  isAssumed: boolean;
}

/** All that the commit needs. */
interface Prepared {
  journal: Journal;
  staging: Staging;
  applied: ApplyResult;
  /** Whether there is anything to do. */
  isChange: boolean;
}

/** What is prepared, and durable. */
interface Stage extends Prepared {
  journalBytes: number;
}

/** Attributes of the steps, one for each owner. */
function distinctOwners({ attributes }: Steps): TreeAttributes[] {
  const owners = new Map<string, TreeAttributes>();
  for (const { attributes: wanted } of attributes) owners.set(`${wanted.uid}:${wanted.gid}`, wanted);
  return [...owners.values()];
}

class Update {
  readonly #site: TreeSite;
  readonly #reader: DeltaReader;
  readonly #header: DeltaHeader;
  readonly #image: Image;
  readonly #options: UpdateTreeOptions;
  #coding: SegmentCoding | undefined;

  constructor(site: TreeSite, reader: DeltaReader, image: Image, options: UpdateTreeOptions) {
    this.#site = site;
    this.#reader = reader;
    this.#header = reader.header;
    this.#image = image;
    this.#options = options;
  }

  async run(): Promise<UpdateTreeResult> {
    const present = await mergeLayers(this.#image.layers, { signal: this.#options.signal });
    // Threads take as long to start as what follows here.
    this.#coding = this.#chooseCoding(present);
    const basis = await this.#flatten(present);
    const neededBytes = neededBytesOf(this.#header.tree);
    let stage: Stage;
    try {
      await checkRoom(this.#site.parent, neededBytes);
      stage = await this.#stage(present, basis);
    } catch (error) {
      return this.#unchanged(error, basis);
    }
    // From here on the tree changes, and only forward.
    const { journal, journalBytes, staging, applied, isChange } = stage;
    if (isChange) await complete(this.#site, journal, false);
    else await removeStaging(this.#site.parent, this.#site.stagingName);
    return {
      done: isChange ? "applied" : "none",
      targetBytes: applied.targetBytes,
      targetSha256: applied.targetSha256,
      placedEntries: journal.placements.length + journal.folders.length,
      removedEntries: journal.removals.length,
      changedAttributes: journal.attributes.length,
      neededBytes,
      stagedBytes: staging.bytes,
      stagedEntries: staging.count,
      journalBytes,
      applied,
    };
  }

  #chooseCoding(present: TreeNode): SegmentCoding | undefined {
    const { segmentCoding } = this.#options;
    if (typeof segmentCoding !== "function") return segmentCoding;
    let entryCount = 0;
    for (const _ of walkTree(present)) entryCount++;
    return segmentCoding(entryCount);
  }

  /** Put all that is new beside the tree, and then the journal; nothing is left there where that fails. */
  async #stage(present: TreeNode, basis: Basis): Promise<Stage> {
    const { parent, stagingName } = this.#site;
    await parent.makeFolder(stagingName);
    try {
      const folder = await parent.openFolder(stagingName);
      try {
        const prepared = await this.#prepare(folder, present, basis);
        this.#options.signal?.throwIfAborted();
        return { ...prepared, journalBytes: prepared.isChange ? await this.#seal(prepared) : 0 };
      } finally {
        await folder.close();
      }
    } catch (error) {
      // What failed tells more than what cleaning up may fail with; the next run cleans up too.
      await removeStaging(parent, stagingName).catch(() => {});
      throw error;
    }
  }

  async #prepare(folder: TreeFolder, present: TreeNode, basis: Basis): Promise<Prepared> {
    const staging = await Staging.open(folder);
    const copies = new CopiedRanges();
    const reader = new TargetReader(present, staging, {
      isFrom: (content, offset, targetOffset, length) => {
        const basisOffset = copies.find(targetOffset, length);
        const found = basisOffset === undefined ? undefined : basis.contentAt(basisOffset);
        return found?.content === content && found.offset === offset;
      },
      passTo: (targetOffset) => copies.passTo(targetOffset),
    });
    const { applied, target } = await this.#apply(present, basis, copies, reader);
    const root = await this.#site.parent.openFolder(this.#site.name);
    const handles = new TreeHandles(root);
    try {
      const { owner } = this.#site;
      const steps = await planSteps(present, target, {
        staging,
        reader,
        realize: (node) => (owner === undefined ? node : realizeNode(node, owner)),
        stat: async (path) => {
          const [parent, name] = splitPath(path);
          return (await handles.open(parent)).stat(name);
        },
      });
      const hasConfig = await this.#stageConfig(staging, target);
      const hasSidecar = await this.#stageSidecar(staging, present, target);
      await this.#checkReach(present, target, steps, handles);
      await staging.tryOwners(distinctOwners(steps));
      const journal: Journal = {
        ...steps,
        basisSha256: toHex(this.#header.basisSha256),
        targetSha256: toHex(this.#header.targetSha256),
        targetBytes: this.#header.targetBytes,
        rootInode: await readRootInode(this.#site),
        isPrivileged: owner === undefined,
        hasConfig,
        hasSidecar,
      };
      return { journal, staging, applied, isChange: hasConfig || hasSidecar || !isEmptyPlan(steps) };
    } finally {
      await handles.close();
      await root.close();
    }
  }

  /** Apply the delta, the target being read as it is made. */
  async #apply(present: TreeNode, basis: Basis, copies: CopiedRanges, reader: TargetReader) {
    const { source } = basis;
    const channel = createChannel();
    const reading = reader.read(channel.pieces, this.#header.targetBytes);
    // As what goes wrong with its sink, so that a wrong basis, which may be why, is told as such.
    reading.catch((error: unknown) => channel.fail(error));
    try {
      const options: ApplyOptions = { ...this.#options, segmentCoding: this.#coding };
      const observer: WindowObserver = {
        digestBasis: () => this.#digestPresent(present, basis),
        onCopy: (targetOffset, basisOffset, length) => copies.add(targetOffset, basisOffset, length),
      };
      const applied = await applyOpened(source, this.#reader, channel.sink, options, observer);
      channel.end();
      return { applied, target: await reading };
    } catch (error) {
      channel.end(error);
      await reading.catch(() => {});
      throw error;
    }
  }

  /** The config's file is the target's, whose digest of the layer makes the next update quicker. */
  async #stageConfig(staging: Staging, target: TargetTree): Promise<boolean> {
    const { config } = this.#image;
    if (this.#site.config !== undefined) {
      if (equalBytes(config, target.config)) return false;
      await staging.writeFile(StagedName.CONFIG, target.config);
      return true;
    }
    const digest = readFlatDigest(target.config);
    if (digest !== undefined && equalBytes(encodeFlatConfig(config, digest), target.config)) return false;
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "the target has another config than the tree: name the file that holds it, as in rootfs:FOLDER:CONFIG.json",
    );
  }

  async #stageSidecar(staging: Staging, present: TreeNode, target: TargetTree): Promise<boolean> {
    const { owner, parent, sidecarName } = this.#site;
    if (owner === undefined) return false;
    const entries = new Map<string, SidecarEntry>();
    const note = (node: TargetNode): void => {
      const hidden = describeHidden(node, owner);
      if (hidden !== undefined) entries.set(node.paths[0]!, hidden);
    };
    for (const node of target.nodes) note(node);
    for (const { path, node } of walkTree(present)) {
      const attributes = target.kept.get(node);
      if (attributes !== undefined) note(target.describeKept(path, node, attributes));
    }
    if (entries.size === 0 && (await parent.stat(sidecarName)) === undefined) return false;
    await staging.writeFile(StagedName.SIDECAR, encodeUtf8(encodeSidecar(entries)));
    return true;
  }

  /**
   * The folders in which something changes must be there still and be on one file system: after the journal is written it
   * would be too late to find out.
   */
  async #checkReach(
    present: TreeNode,
    target: TargetTree,
    steps: Steps,
    handles: TreeHandles,
  ): Promise<void> {
    const { parent, name, stagingName } = this.#site;
    const device = (await parent.stat(stagingName))?.device;
    const checked = new Set<string>();
    const check = async (path: string): Promise<void> => {
      if (checked.has(path)) return;
      checked.add(path);
      const [folder, last] = splitPath(path);
      if (path !== "") await check(folder);
      const isThere = findNode(present, path)?.type === "directory";
      if (!isThere || target.typeAt(path) !== "directory") return;
      const stat = path === "" ? await parent.stat(name) : await (await handles.open(folder)).stat(last);
      if (stat?.type !== "directory") {
        throw new MismatchError(ErrorCode.SOURCE_CHANGED, "a folder of the tree is none any more", { path });
      }
      if (stat.device !== device) {
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          "expected the tree and the folder that holds it on one file system: unmount what is mounted in it",
          { path },
        );
      }
    };
    await check("");
    for (const changes of [steps.removals, steps.placements, steps.attributes])
      for (const { path } of changes) await check(splitPath(path)[0]);
    for (const path of steps.folders) await check(splitPath(path)[0]);
  }

  /** Make durable what is prepared, and then that it is to be done. Returns the journal's bytes. */
  async #seal({ staging, journal }: Prepared): Promise<number> {
    const sync = async (): Promise<void> => {
      await staging.sync();
      await this.#site.parent.sync();
    };
    // The journal becomes bytes while the disk is at work, and is written when all that it names is there.
    const [encoded] = await Promise.all([encodeJournal(journal), sync()]);
    await writeJournal(staging.folder, encoded);
    return encoded.length;
  }

  /** The present tree's flat image. Where the config says the layer's digest, that is believed for now: it spares a pass over all contents. */
  async #flatten(present: TreeNode): Promise<Basis> {
    const { signal, onProgress } = this.#options;
    const { config } = this.#image;
    const layerDigest = readFlatDigest(config);
    const { source, contentAt } = await flattenTree(present, config, { layerDigest, signal, onProgress });
    return { source, contentAt, isAssumed: layerDigest !== undefined };
  }

  /** The SHA-256 of the present tree's flat image, which may have been made with the layer's digest of another tree. */
  async #digestPresent(present: TreeNode, { source, isAssumed }: Basis): Promise<Uint8Array> {
    const { basisSha256, targetSha256 } = this.#header;
    const found = await hashWithProgress(source, this.#options, "check basis");
    if (!isAssumed || equalBytes(found, basisSha256) || equalBytes(found, targetSha256)) return found;
    const proven = await flattenTree(present, this.#image.config, this.#options);
    return hashWithProgress(proven.source, this.#options, "check basis");
  }

  /**
   * A tree that is the target already is no failure: that there is no room for what need not be written, that the basis is another
   * one, or what else is wrong with a target made of it.
   */
  async #unchanged(error: unknown, { source }: Basis): Promise<UpdateTreeResult> {
    const { targetBytes, targetSha256 } = this.#header;
    if (!isFlatdeltaError(error) || source.size !== targetBytes) throw error;
    const isTarget =
      (error.code === ErrorCode.BASIS_MISMATCH && error.actual === toHex(targetSha256)) ||
      equalBytes(await hashWithProgress(source, this.#options), targetSha256);
    if (!isTarget) throw error;
    return { ...NO_CHANGES, done: "none", targetBytes, targetSha256 };
  }
}
