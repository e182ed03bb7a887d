/** Bundling for browsers as a consumer would, without any set-up. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The program that proves a runtime. */
export const PROGRAM = fileURLToPath(new URL("program.ts", import.meta.url));

const NODE_DOORS: ReadonlySet<string> = new Set([".", "./rootfs", "./engine"]);

/** The modules that every runtime can load: all entry points of the package but those for Node. */
export function listPortableModules(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, string | { default: string }>;
  };
  const modules: string[] = [];
  for (const [name, door] of Object.entries(exports)) {
    // The whole, and what works on files, are for Node.
    if (typeof door === "string" || NODE_DOORS.has(name) || name.endsWith("/node")) continue;
    modules.push(join(root, door.default.replace(/^\.\/dist\//u, "src/").replace(/\.js$/u, ".ts")));
  }
  return modules;
}

/** Takes every module of `src` as it was compiled, which is what the package ships. */
const compiledModules: Plugin = {
  name: "compiled modules",
  setup: ({ onResolve }) => {
    // A filter is read as an expression of Go, which knows no flag "u".
    onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
      path: join(root, path.replace(/^.*\/src\//u, "dist/").replace(/\.ts$/u, ".js")),
    }));
  },
};

/** How to bundle. */
export interface BundleOptions {
  /** Which form of the modules: "sources" unless said otherwise, or what the build made of them. */
  modules?: "sources" | "compiled";
}

/**
 * Bundle a file and all that it imports into one ES module for browsers, with esbuild as it is.
 *
 * @returns the text of the module, which imports nothing.
 * @throws Error when something cannot be resolved, is left to be imported at run time, or gives a warning.
 */
export async function bundleForBrowser(entry: string, options: BundleOptions = {}): Promise<string> {
  const { outputFiles, metafile, warnings } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "silent",
    plugins: options.modules === "compiled" ? [compiledModules] : [],
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const flaws = [...warnings.map(({ text }) => text), ...imported.map((path) => `imports ${path}`)];
  if (flaws.length > 0) throw new Error([`the bundle of ${entry} is not whole:`, ...flaws].join("\n  "));
  return outputFiles[0]!.text;
}
