/**
 * Bundle what is started rather than imported: the command line, and what its threads and child processes run.
 *
 * Loading 230 small modules takes Node 20 some 60 ms, a tenth of what it takes to apply a small delta, and each thread
 * that loads 60 some 20; each file takes a millisecond. Packages stay outside, as they do for who imports the library. The
 * command line has no source maps: they would be as large again, and nobody steps through it; for the same reason it is
 * written without white space.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const THREADS = ["codec/segment", "encode/pair"].map((name) => `src/${name}-worker.ts`);

const OPTIONS = {
  absWorkingDir: ROOT,
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
const COMMAND_LINE = {
  ...OPTIONS,
  outdir: "dist/cli",
  entryNames: "[name]",
  minifyWhitespace: true,
} satisfies BuildOptions;

/** What the command that devices run needs for a flat image comes in one file: in 30 it takes 30 ms longer to load. */
const PATCH = "src/cli/commands/patch.ts";

/** Entry points by the names of their files: what is loaded on demand. */
const onDemand = new Map<string, string>();

const nameOf = (module: string): string => relative("src", module).replace(/\.ts$/u, "").replaceAll("/", "-");

/** Leave what is loaded on demand to files of its own: all, or what is told. */
const leaveOnDemand = (isLeft: (module: string) => boolean): Plugin => ({
  name: "leave what is loaded on demand to files of its own",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
      const module = relative(ROOT, resolve(resolveDir, path));
      if (kind !== "dynamic-import" || !isLeft(module)) return undefined;
      onDemand.set(nameOf(module), module);
      return { path: `./${nameOf(module)}.js`, external: true };
    });
  },
});

const DELTA = "src/cli/commands/delta.ts";

/** What needs only a small part of what `delta` needs, or is that. */
const LIGHT = [
  DELTA,
  ...["commands/signature", "commands/patch-in-place", "progress-bar"].map((name) => `src/cli/${name}.ts`),
];

/**
 * Let what is loaded on demand share all that `delta` needs, most of which it needs itself. Else there is a chunk for each set of files that have a
 * module in common, and `delta` comes in 30 pieces: of a small delta they took a twelfth of the processor time.
 */
const shareDelta: Plugin = {
  name: "share what delta needs",
  setup({ onResolve, onLoad }) {
    const namespace = "with delta";
    onResolve({ filter: /^(?:src|\.\.?)\// }, ({ kind, path, resolveDir }) => {
      if (kind !== "entry-point" && kind !== "dynamic-import") return undefined;
      const file = resolve(kind === "entry-point" ? ROOT : resolveDir, path);
      const module = relative(ROOT, file);
      return module === PATCH || LIGHT.includes(module) ? undefined : { path: file, namespace };
    });
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `export * from "${path}"; export { createDeltaCommand } from "${resolve(ROOT, DELTA)}";`,
    }));
    // What a process runs is kept though nothing of it is imported.
    onResolve({ filter: /./, namespace }, ({ path }) => ({ path, sideEffects: true }));
  },
};

for (const entryPoints of [{ main: "src/cli/main.ts" }, { [nameOf(PATCH)]: PATCH }])
  await build({ ...COMMAND_LINE, entryPoints, plugins: [leaveOnDemand(() => true)] });
onDemand.delete(nameOf(PATCH));
await build({
  ...COMMAND_LINE,
  entryPoints: { ...Object.fromEntries(onDemand), "maker-process": "src/serve/maker-process.ts" },
  plugins: [shareDelta, leaveOnDemand((module) => module === PATCH)],
  splitting: true,
});
await build({ ...COMMAND_LINE, entryPoints: THREADS });
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
