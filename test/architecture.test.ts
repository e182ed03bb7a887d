/** The layers of the house: imports go down only, never in circles, and the core knows no platform. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Lowest first. A module imports its own files and those of the lines above its own in this list. */
const LAYERS: readonly (readonly string[])[] = [
  ["errors"],
  ["bytes"],
  ["io"],
  ["net"],
  ["hash", "codec"],
  ["signature", "delta"],
  ["match", "transform"],
  ["encode", "apply"],
  ["image"],
  ["rootfs"],
  ["interop", "registry", "engine"],
  ["update", "serve"],
  ["index"],
  ["cli"],
];

/** These run wherever there is JavaScript. */
const CORE = new Set([...LAYERS.slice(0, 8).flat(), "update"]);

/** The edge of the core: the files that may know a platform. */
const PLATFORM_FILES = new Set([
  "apply/node.ts",
  "codec/node.ts",
  "codec/segment-thread.ts",
  "codec/segment-worker.ts",
  "io/descriptor.ts",
  "io/node.ts",
  "io/node-lock.ts",
  "io/node-storage.ts",
  "io/start-thread.ts",
  "encode/node.ts",
  "encode/pair-tasks.ts",
  "encode/pair-worker.ts",
  "encode/start-pair-thread.ts",
  "encode/thread-pool.ts",
  "update/flat-file.ts",
  "update/handover-file.ts",
  "update/node.ts",
  "update/rootfs-folder.ts",
  "update/work-folder.ts",
]);

/** Build scripts: they are no part of the package. */
const BUILD_FILES = /^(?:.*\/assembly\/|hash\/core\/(?:build|embed)\.ts$)/u;

interface Import {
  readonly specifier: string;
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** Every import of a file: static, dynamic, re-exported, or as a type. */
function findImports(text: string): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      imports.push({ specifier: node.moduleSpecifier.text, typeOnly });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      imports.push({ specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      const specifier =
        argument !== undefined && ts.isStringLiteralLike(argument) ? argument.text : "(computed)";
      imports.push({ specifier, typeOnly: false });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      imports.push({ specifier: node.argument.literal.text, typeOnly: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("file.ts", text, ts.ScriptTarget.Latest));
  return imports;
}

/** The module that a file belongs to: the folder, or for a file beside the folders its name. */
function moduleOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/u, "");
}

function levelOf(path: string): number {
  return LAYERS.findIndex((modules) => modules.includes(moduleOf(path)));
}

/** All violations in a tree of files, in words. Paths are relative to `src`, with forward slashes. */
function findViolations(files: ReadonlyMap<string, string>, doors: ReadonlySet<string>): string[] {
  const violations: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of files) {
    const targets: string[] = [];
    graph.set(path, targets);
    if (levelOf(path) < 0) violations.push(`${path} belongs to no layer: add ${moduleOf(path)} to the list`);
    for (const { specifier, typeOnly } of findImports(text)) {
      if (specifier === "(computed)") violations.push(`${path} imports a computed name`);
      if (
        specifier.startsWith("node:") &&
        !typeOnly &&
        CORE.has(moduleOf(path)) &&
        !PLATFORM_FILES.has(path)
      ) {
        violations.push(`${path} is core and imports ${specifier}`);
      }
      if (!specifier.startsWith(".")) continue;
      const target = posix.join(posix.dirname(path), specifier);
      // Types close no circle: nothing of them is left at run time.
      if (!typeOnly) targets.push(target);
      if (!files.has(target)) violations.push(`${path} imports ${target}, which does not exist`);
      if (moduleOf(target) === moduleOf(path)) continue;
      if (levelOf(target) >= levelOf(path))
        violations.push(`${path} imports ${target}, which is not below it`);
      if (CORE.has(moduleOf(path)) && !PLATFORM_FILES.has(path) && PLATFORM_FILES.has(target)) {
        violations.push(`${path} is core and imports ${target}`);
      }
      if (moduleOf(path) === "cli" && !doors.has(target)) {
        violations.push(`${path} imports ${target}, which is no public door`);
      }
    }
  }
  return [...violations, ...findCircles(graph)];
}

function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      circles.push(`circle: ${[...trail.slice(start), path].join(" → ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return circles;
}

const root = fileURLToPath(new URL("..", import.meta.url));

function readSources(): Map<string, string> {
  const folder = join(root, "src");
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = entry.split(sep).join("/");
    if (path.endsWith(".ts") && !BUILD_FILES.test(path))
      files.set(path, readFileSync(join(folder, entry), "utf8"));
  }
  return files;
}

function readDoors(): Set<string> {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, string | { default: string }>;
  };
  return new Set(
    Object.values(exports).flatMap((door) =>
      typeof door === "string" ? [] : [door.default.replace(/^\.\/dist\//u, "").replace(/\.js$/u, ".ts")],
    ),
  );
}

test("the sources keep the layers", () => {
  const files = readSources();
  assert.ok(files.has("cli/main.ts") && files.has("io/node.ts"), "the sources were found");
  assert.deepEqual(findViolations(files, readDoors()), []);
});

const planted: readonly (readonly [name: string, files: Record<string, string>, violation: string])[] = [
  [
    "a lower module imports an upper one",
    { "bytes/a.ts": 'import { x } from "../io/b.ts";', "io/b.ts": "export const x = 1;" },
    "bytes/a.ts imports io/b.ts, which is not below it",
  ],
  [
    "a type of an upper module is an import too",
    { "codec/a.ts": 'import type { X } from "../delta/b.ts";', "delta/b.ts": "export type X = 1;" },
    "codec/a.ts imports delta/b.ts, which is not below it",
  ],
  [
    "neighbours of one layer",
    { "signature/a.ts": 'export * from "../delta/b.ts";', "delta/b.ts": "" },
    "signature/a.ts imports delta/b.ts, which is not below it",
  ],
  [
    "a dynamic import",
    { "errors.ts": 'const x = await import("./cli/b.ts");', "cli/b.ts": "" },
    "errors.ts imports cli/b.ts, which is not below it",
  ],
  ["a computed import", { "image/a.ts": "await import(name);" }, "image/a.ts imports a computed name"],
  [
    "a platform in the core",
    { "codec/a.ts": 'import zlib from "node:zlib";' },
    "codec/a.ts is core and imports node:zlib",
  ],
  [
    "a platform behind the edge",
    { "apply/a.ts": 'import { f } from "../io/node.ts";', "io/node.ts": 'import fs from "node:fs";' },
    "apply/a.ts is core and imports io/node.ts",
  ],
  [
    "a circle of files",
    { "io/a.ts": 'import "./b.ts";', "io/b.ts": 'export { y } from "./a.ts";' },
    "circle: io/a.ts → io/b.ts → io/a.ts",
  ],
  ["a module of no layer", { "misc/a.ts": "" }, "misc/a.ts belongs to no layer: add misc to the list"],
  [
    "the command line behind a door",
    { "cli/a.ts": 'import "../io/stream.ts";', "io/stream.ts": "" },
    "cli/a.ts imports io/stream.ts, which is no public door",
  ],
  [
    "a file that is not there",
    { "io/a.ts": 'import "./gone.ts";' },
    "io/a.ts imports io/gone.ts, which does not exist",
  ],
];

for (const [name, files, violation] of planted) {
  test(`a violation is found: ${name}`, () => {
    const found = findViolations(new Map(Object.entries(files)), new Set(["io/index.ts"]));
    assert.deepEqual(found, [violation]);
  });
}

test("what is allowed is found to be so", () => {
  const files = {
    "io/builtin.ts": 'interface B { z: typeof import("node:zlib") }\nimport type { Z } from "node:zlib";',
    "io/index.ts": 'export * from "./builtin.ts";',
    "io/node.ts": 'import fs from "node:fs/promises";\nimport "./index.ts";',
    "image/a.ts": 'import type { I } from "../encode/input.ts";\nimport "node:fs";\nimport "tar-stream";',
    "encode/input.ts": 'import type { S } from "../io/index.ts";',
    "cli/a.ts": 'const { x } = await import("../io/index.ts");\nimport type { B } from "./b.ts";',
    "cli/b.ts": 'import "./a.ts";',
  };
  assert.deepEqual(findViolations(new Map(Object.entries(files)), new Set(["io/index.ts"])), []);
});
