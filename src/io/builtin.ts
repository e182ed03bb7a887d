/**
 * Built-in modules of the runtime, where there are any, without importing them: a static `import "node:zlib"` would
 * break browsers and bundlers, `process.getBuiltinModule` (Node 20.16 and 22.3, Bun, Deno) is simply absent there.
 */

interface BuiltinModules {
  "node:crypto": typeof import("node:crypto");
  "node:zlib": typeof import("node:zlib");
}

/** The built-in module, or `undefined` where the runtime has none. */
export function getBuiltinModule<Name extends keyof BuiltinModules>(
  name: Name,
): BuiltinModules[Name] | undefined {
  const runtime = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return runtime?.getBuiltinModule?.(name) as BuiltinModules[Name] | undefined;
}
