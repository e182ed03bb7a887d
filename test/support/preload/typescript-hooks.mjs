/** How modules are found and loaded when the test runner has compiled them. Runs on Node's thread for that. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = new URL("../../../", import.meta.url).href;
const compiled = pathToFileURL(join(process.env.FLATDELTA_COMPILED, "/")).href;

const here = (path) => new URL(path, import.meta.url).href;

/** What stands for other modules: for what loads TypeScript in a process or a thread, by whoever starts them, and the runner. */
const SUBSTITUTES = new Map([
  ["tsx", here("./typescript.mjs")],
  ["tsx/esm/api", here("./typescript-api.mjs")],
  ["node:test", here("./node-test.mjs")],
]);

export async function resolve(specifier, context, next) {
  const url = context.parentURL?.endsWith(".ts") ? SUBSTITUTES.get(specifier) : undefined;
  return url === undefined ? next(specifier, context) : { url, format: "module", shortCircuit: true };
}

export async function load(url, context, next) {
  if (!url.startsWith(root) || !url.endsWith(".ts")) return next(url, context);
  const source = await readFile(new URL(url.slice(root.length), compiled));
  return { format: "module", source, shortCircuit: true };
}
