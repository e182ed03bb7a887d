/**
 * Bundle what is started rather than imported: the command line, and what its threads and child processes run.
 *
 * Loading 230 small modules takes Node 20 some 60 ms, a tenth of what it takes to apply a small delta, and each thread
 * that loads 60 some 20. Packages stay outside, as they do for who imports the library. The command line
 * has no source maps: they would be as large again, and nobody steps through it; for the same reason it is written without
 * white space.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const THREADS = ["apply/basis", "codec/segment", "encode/pair"].map((name) => `src/${name}-worker.ts`);

const OPTIONS = {
  absWorkingDir: fileURLToPath(new URL("../..", import.meta.url)),
  bundle: true,
  packages: "external",
  // Node has SHA-256 of its own: what other runtimes take instead would be read and compiled for nothing, in each thread anew.
  alias: { "@noble/hashes/sha2.js": "./src/cli/absent-sha256.ts" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
} satisfies BuildOptions;

// A thread's file is looked for beside the module that starts it: any of the command line's chunks, so all lie in one folder.
await build({
  ...OPTIONS,
  entryPoints: ["src/cli/main.ts", "src/serve/maker-process.ts", ...THREADS],
  entryNames: "[name]",
  splitting: true,
  outdir: "dist/cli",
  minifyWhitespace: true,
});
// In place of what the compiler made of them for the library.
await build({
  ...OPTIONS,
  entryPoints: THREADS,
  outbase: "src",
  outdir: "dist",
  allowOverwrite: true,
  sourcemap: true,
  sourcesContent: false,
});
