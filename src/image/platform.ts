/** Platforms as OCI image indexes name them: Go's GOOS and GOARCH, and a variant of the processor. */
export interface Platform {
  /** GOOS: "linux". */
  os: string;
  /** GOARCH: "amd64", "arm64", "arm". */
  architecture: string;
  /** "v7", "v8"; without one, the usual variant of the architecture is meant. */
  variant?: string;
}

// Node's process.arch where GOARCH says something else.
const GOARCH_OF_NODE: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le",
  mipsel: "mipsle",
};
// Names that people and kernels use.
const GOARCH_OF_ALIAS: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  armel: "arm",
  i386: "386",
  i686: "386",
};
const USUAL_VARIANT: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

/** GOARCH of the machine this runs on; "amd64" where the runtime does not tell. */
export function machineArchitecture(): string {
  const runtime = (globalThis as { process?: { arch?: string } }).process;
  const arch = runtime?.arch ?? "x64";
  return GOARCH_OF_NODE[arch] ?? arch;
}

/** The platform that is meant when none is named: Linux on the architecture of this machine. */
export function defaultPlatform(): Platform {
  return { os: "linux", architecture: machineArchitecture() };
}

/**
 * Parse `os/architecture[/variant]` ("linux/arm/v7"). Common other names of architectures are understood.
 *
 * @throws RangeError when the text has another form.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  const [os, architecture, variant] = parts;
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => !/^[a-z0-9._-]+$/.test(part))) {
    throw new RangeError(`platform: expected os/architecture[/variant] such as linux/arm64, got "${text}"`);
  }
  const platform: Platform = { os: os!, architecture: GOARCH_OF_ALIAS[architecture!] ?? architecture! };
  if (variant !== undefined) platform.variant = variant;
  return platform;
}

/** The platform in the form that {@link parsePlatform} reads. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined || variant === ""
    ? `${os}/${architecture}`
    : `${os}/${architecture}/${variant}`;
}

function variantLevel({ architecture, variant }: Platform): number | undefined {
  if (variant === undefined || variant === "") return USUAL_VARIANT[architecture] ?? 0;
  const level = /^v([0-9]{1,2})(?:\.[0-9]+)?$/.exec(variant)?.[1];
  return level === undefined ? undefined : Number(level);
}

/**
 * How well an image for `offered` runs on `wanted`: −1 not at all, else the higher the better.
 *
 * A processor runs programs for its own variant and the lower ones (arm v7 runs v6 and v5), and the highest of them is
 * the best.
 */
export function rankPlatform(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return -1;
  const have = variantLevel(offered);
  const want = variantLevel(wanted);
  if (have === undefined || want === undefined) return offered.variant === wanted.variant ? 0 : -1;
  return have <= want ? have : -1;
}
