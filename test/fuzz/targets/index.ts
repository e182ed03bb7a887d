import type { FuzzTarget } from "../target.ts";

/** All parsers by name. Each is loaded when it is asked for, so that coverage counts what it runs alone. */
export const TARGETS: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  delta: async () => (await import("./delta.ts")).deltaTarget,
  signature: async () => (await import("./signature.ts")).signatureTarget,
  tar: async () => (await import("./tar.ts")).tarTarget,
  image: async () => (await import("./image.ts")).imageTarget,
  "in-place": async () => (await import("./in-place.ts")).inPlaceTarget,
  rootfs: async () => (await import("./rootfs.ts")).rootfsTarget,
  librsync: async () => (await import("./librsync.ts")).librsyncTarget,
  vcdiff: async () => (await import("./vcdiff.ts")).vcdiffTarget,
  bsdiff: async () => (await import("./bsdiff.ts")).bsdiffTarget,
  balena: async () => (await import("./balena.ts")).balenaTarget,
  registry: async () => (await import("./registry.ts")).registryTarget,
  service: async () => (await import("./service.ts")).serviceTarget,
};
