/**
 * What commands do with the formats of other tools. The files are plain bytes always, as with `--raw`, since the other tool is given
 * the same files; but for balenaEngine, which deals with images.
 *
 * @module
 */
import type { PeerFile, PeerFormat } from "../interop/index.ts";
import type { ByteInput, Source } from "../io/index.ts";
import { choiceOption, IMAGE_OPTIONS } from "./arguments.ts";
import type { CommandContext, CommandResult, OptionTable, OptionValues } from "./command.ts";
import { UsageError } from "./exit-code.ts";
import type { Output } from "./output-file.ts";
import { TARGET_DIGEST } from "./target-digest.ts";

/** What can be done with the formats of a tool; what is absent cannot. */
export interface Peer {
  signature?(basisName: string, context: CommandContext): Promise<CommandResult>;
  delta?(basisName: string, targetName: string, context: CommandContext): Promise<CommandResult>;
  /** @param deltaName - what `delta` was opened by; `context.stdin` is all of it when that is standard input. */
  patch?(
    basisName: string,
    delta: ByteInput,
    output: Output,
    context: CommandContext,
    deltaName: string,
  ): Promise<CommandResult>;
  /** Tell what a file that was recognised as this tool's says about itself. */
  inspect(source: Source, file: PeerFile, context: CommandContext): Promise<CommandResult>;
  /** Prove of such a file what can be proven. */
  verify(source: Source, file: PeerFile, context: CommandContext): Promise<CommandResult>;
}

/** The commands that take `--format`. */
export type FormatCommand = "signature" | "delta" | "patch";

interface PeerEntry {
  /** The commands that it has, and which of their options these take beside those of all. */
  readonly options: Readonly<Partial<Record<FormatCommand, readonly string[]>>>;
  load(): Promise<Peer>;
}

const SIGNATURE_HASHES = ["weak-hash", "strong-hash", "strong-size"] as const;

/** The options of `signature` for signatures of other tools. */
export const SIGNATURE_HASH_OPTIONS: OptionTable = {
  "weak-hash": { type: "string", value: "NAME", help: "with rdiff: rabinkarp (unless given) or rollsum" },
  "strong-hash": { type: "string", value: "NAME", help: "with rdiff: blake2b (unless given) or md4" },
  "strong-size": {
    type: "string",
    value: "BYTES",
    help: "with rdiff: bytes kept of each strong hash; min for the fewest that are safe (all)",
  },
};

/** The options of `patch` that deltas of all tools take. */
const PATCH_OPTIONS = [TARGET_DIGEST, "max-target-size"] as const;

const IMAGE_NAMES = Object.keys(IMAGE_OPTIONS);

const PEERS: Readonly<Record<PeerFormat, PeerEntry>> = {
  rdiff: {
    options: { signature: ["block-size", ...SIGNATURE_HASHES], delta: ["workers"], patch: PATCH_OPTIONS },
    load: async () => (await import("./peers/rdiff.ts")).rdiff,
  },
  vcdiff: {
    options: { delta: ["workers"], patch: PATCH_OPTIONS },
    load: async () => (await import("./peers/vcdiff.ts")).vcdiff,
  },
  bsdiff: {
    options: { patch: ["tmp", ...PATCH_OPTIONS] },
    load: async () => (await import("./peers/bsdiff.ts")).bsdiff,
  },
  balena: {
    options: { delta: ["workers", ...IMAGE_NAMES], patch: [...IMAGE_NAMES, "max-target-size"] },
    load: async () => (await import("./peers/balena.ts")).balena,
  },
};

/** The format that is meant where `--format` names no other. */
const OWN_FORMAT = "flatdelta";

const COMMON_NAMES: ReadonlySet<string> = new Set([
  ...["output", "force", "format", "raw", "json", "quiet", "help"],
]);

function formatNames(command: FormatCommand): string[] {
  return Object.entries(PEERS).flatMap(([name, { options }]) => (options[command] ? [name] : []));
}

/** The option that chooses the format of what a command writes or takes. */
export function formatOption(command: FormatCommand): OptionTable {
  const names = formatNames(command).join(", ");
  const otherwise = command === "patch" ? "recognised by content" : OWN_FORMAT;
  return {
    format: { type: "string", value: "NAME", help: `${names}: the format of another tool (${otherwise})` },
  };
}

/** Options that only the formats of other tools take. */
const PEER_OPTIONS: ReadonlySet<string> = new Set([TARGET_DIGEST, ...SIGNATURE_HASHES]);

/**
 * The tool that `--format` names, or the one that the input was recognised as.
 *
 * @returns nothing for the format of flatdelta.
 * @throws UsageError for a name or option that does not go with the command or the format.
 */
export async function choosePeer(
  command: FormatCommand,
  values: OptionValues,
  recognised?: PeerFormat,
): Promise<Peer | undefined> {
  const names = formatNames(command);
  const chosen =
    choiceOption(values, "format", [OWN_FORMAT, ...names]) ??
    names.find((name) => name === recognised) ??
    OWN_FORMAT;
  const taken = chosen === OWN_FORMAT ? undefined : PEERS[chosen as PeerFormat].options[command];
  for (const name of Object.keys(values)) {
    const isTaken =
      taken === undefined ? !PEER_OPTIONS.has(name) : COMMON_NAMES.has(name) || taken.includes(name);
    if (!isTaken) throw new UsageError(`expected no --${name} with the format ${chosen}`);
  }
  return chosen === OWN_FORMAT ? undefined : PEERS[chosen as PeerFormat].load();
}

/** Let the tool of a recognised file inspect or verify it. */
export async function callPeer(
  command: "inspect" | "verify",
  file: PeerFile,
  source: Source,
  context: CommandContext,
): Promise<CommandResult> {
  const peer = await PEERS[file.format].load();
  return peer[command](source, file, context);
}
