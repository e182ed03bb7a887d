/**
 * Whom the benchmark compares: flatdelta in its ways, and the peers, each at the setting its users take for the
 * smallest delta.
 *
 * @module
 */
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, flatdeltaCommand } from "./machine.ts";
import type { Command } from "./measure.ts";

/** The files of one run. */
export interface Paths {
  /** The old flat image. */
  basis: string;
  /** The new flat image. */
  target: string;
  /** The delta, to be made. */
  delta: string;
  /** The target made from basis and delta. */
  made: string;
  /** An empty folder for files in between. */
  scratch: string;
}

/** One way to make a delta and apply it, as whole processes. */
export interface Contender {
  name: string;
  /** Whether it is ours: peers are looked for on PATH and compared with ours. */
  ours: boolean;
  /** Programs that must be on PATH. */
  programs: readonly string[];
  /** Whether it takes the one layer inside a flat image instead of the whole: what it makes of nested tars is nothing. */
  needsLayer?: boolean;
  /** Work that is not measured. */
  prepare?(paths: Paths): Promise<readonly Command[]>;
  make(paths: Paths): readonly Command[];
  apply(paths: Paths): readonly Command[];
}

/** How much of the basis xdelta3 keeps at hand: a power of two that holds all of it, up to its limit of 2^31. */
function chooseXdeltaBuffer({ basis }: Paths): string {
  return String(2 ** Math.min(31, Math.max(20, Math.ceil(Math.log2(statSync(basis).size)))));
}

function librsyncContender(
  name: string,
  options: readonly string[],
  compressor: { program: string; compress: readonly string[]; suffix: string },
): Contender {
  const raw = ({ scratch }: Paths): string => join(scratch, "raw.delta");
  const signature = ({ scratch }: Paths): string => join(scratch, "basis.sig");
  return {
    name,
    ours: false,
    programs: ["rdiff", compressor.program, "mv"],
    make: (paths) => [
      ["rdiff", "-f", ...options, "signature", paths.basis, signature(paths)],
      ["rdiff", "-f", "delta", signature(paths), paths.target, raw(paths)],
      [compressor.program, ...compressor.compress, raw(paths)],
      ["mv", `${raw(paths)}${compressor.suffix}`, paths.delta],
    ],
    // The compressors want their own suffix to decompress; a link gives it without a copy.
    apply: (paths) => [
      ["ln", "-sf", paths.delta, `${raw(paths)}${compressor.suffix}`],
      [compressor.program, "-d", "-f", `${raw(paths)}${compressor.suffix}`],
      ["rdiff", "-f", "patch", paths.basis, raw(paths), paths.made],
    ],
  };
}

/** All contenders, ours first. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "flatdelta",
    ours: true,
    programs: [],
    make: ({ basis, target, delta }) => [flatdeltaCommand("delta", basis, target, "-o", delta, "--json")],
    apply: ({ basis, delta, made }) => [flatdeltaCommand("patch", basis, delta, "-o", made, "--json")],
  },
  {
    name: "flatdelta-fast",
    ours: true,
    programs: [],
    make: ({ basis, target, delta }) => [
      flatdeltaCommand("delta", basis, target, "-o", delta, "--codec", "fast", "--json"),
    ],
    apply: ({ basis, delta, made }) => [flatdeltaCommand("patch", basis, delta, "-o", made, "--json")],
  },
  {
    name: "flatdelta-signature",
    ours: true,
    programs: [],
    make: ({ basis, target, delta, scratch }) => [
      flatdeltaCommand("signature", basis, "-o", join(scratch, "basis.sig"), "--json"),
      flatdeltaCommand("delta", join(scratch, "basis.sig"), target, "-o", delta, "--json"),
    ],
    apply: ({ basis, delta, made }) => [flatdeltaCommand("patch", basis, delta, "-o", made, "--json")],
  },
  {
    name: "rdiff",
    ours: false,
    programs: ["rdiff"],
    make: ({ basis, target, delta, scratch }) => [
      ["rdiff", "-f", "signature", basis, join(scratch, "basis.sig")],
      ["rdiff", "-f", "delta", join(scratch, "basis.sig"), target, delta],
    ],
    apply: ({ basis, delta, made }) => [["rdiff", "-f", "patch", basis, delta, made]],
  },
  librsyncContender("rdiff+zstd", [], { program: "zstd", compress: ["-q", "-f", "-19"], suffix: ".zst" }),
  // balenaEngine's way: blocks of 512 bytes, 32 bytes of BLAKE2b, and the gzip of the registry push.
  librsyncContender("rsync-512+gzip", ["-b", "512", "-S", "32"], {
    program: "gzip",
    compress: ["-f"],
    suffix: ".gz",
  }),
  {
    name: "xdelta3",
    ours: false,
    programs: ["xdelta3"],
    make: (paths) => [
      [
        ...(["xdelta3", "-q", "-f", "-e", "-9", "-S", "lzma"] as const),
        ...["-B", chooseXdeltaBuffer(paths), "-s", paths.basis, paths.target, paths.delta],
      ],
    ],
    apply: (paths) => [
      [
        ...(["xdelta3", "-q", "-f", "-d"] as const),
        ...["-B", chooseXdeltaBuffer(paths), "-s", paths.basis, paths.delta, paths.made],
      ],
    ],
  },
  {
    name: "zstd-patch",
    ours: false,
    programs: ["zstd"],
    make: ({ basis, target, delta }) => [
      ["zstd", "-q", "-f", "-19", "--long=31", `--patch-from=${basis}`, target, "-o", delta],
    ],
    apply: ({ basis, delta, made }) => [
      ["zstd", "-q", "-f", "-d", "--long=31", `--patch-from=${basis}`, delta, "-o", made],
    ],
  },
  {
    name: "bsdiff",
    ours: false,
    programs: ["bsdiff", "bspatch"],
    make: ({ basis, target, delta }) => [["bsdiff", basis, target, delta]],
    apply: ({ basis, delta, made }) => [["bspatch", basis, made, delta]],
  },
  {
    name: "hdiffz",
    ours: false,
    programs: ["hdiffz", "hpatchz"],
    make: ({ basis, target, delta }) => [["hdiffz", "-m-6", "-c-lzma2-9-256m", "-f", basis, target, delta]],
    apply: ({ basis, delta, made }) => [["hpatchz", "-f", basis, delta, made]],
  },
  {
    name: "tar-diff",
    ours: false,
    programs: ["tar-diff", "tar-patch", "tar"],
    needsLayer: true,
    prepare: async ({ basis, scratch }) => {
      const tree = join(scratch, "tree");
      await mkdir(tree);
      return [["tar", "-x", "-f", basis, "-C", tree, "--exclude=dev/*"]];
    },
    make: ({ basis, target, delta }) => [["tar-diff", basis, target, delta]],
    apply: ({ delta, made, scratch }) => [["tar-patch", delta, join(scratch, "tree"), made]],
  },
];

/** Whether all programs of a contender are on PATH. */
export function isInstalled(contender: Contender): boolean {
  return contender.programs.every((program) => findProgram(program) !== undefined);
}
