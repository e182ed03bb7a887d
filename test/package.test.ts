/** What `npm pack` would ship, and that each entry point works as shipped. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Manifest {
  version: string;
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
}
const manifest = JSON.parse(read("package.json")) as Manifest;
const doors = Object.entries(manifest.exports).filter(([name]) => name !== "./package.json");

let packed: { path: string; size: number }[] = [];
let paths = new Set<string>();

before(() => {
  assert.ok(existsSync(join(root, "dist/index.js")), 'dist is there; "npm run build" makes it');
  // Without scripts: `prepare` would build, and print into the JSON.
  const npm = process.env.npm_execpath;
  const argv = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [command, args] = npm === undefined ? ["npm", argv] : [process.execPath, [npm, ...argv]];
  const text = execFileSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const report = JSON.parse(text) as unknown;
  // npm 11 lists packages, npm 12 names them.
  const [pack] = Array.isArray(report) ? report : Object.values(report as object);
  packed = (pack as { files: typeof packed }).files;
  paths = new Set(packed.map(({ path }) => path));
});

test("the package holds what it needs", () => {
  for (const path of ["package.json", "README.md", "CHANGELOG.md", "LICENSE"])
    assert.ok(paths.has(path), path);
  for (const path of Object.values(manifest.bin)) assert.ok(paths.has(posix.normalize(path)), path);
  for (const [, door] of doors) {
    assert.ok(typeof door === "object");
    assert.deepEqual(Object.keys(door), ["types", "default"], "types come first");
    for (const path of Object.values(door)) assert.ok(paths.has(posix.normalize(path)), path);
  }
  for (const format of ["delta", "signature", "image"]) {
    assert.ok(paths.has(`src/${format}/FORMAT.md`), `the format of ${format}`);
  }
});

test("the package holds nothing else", () => {
  const allowed =
    /^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/.*\.(?:js|d\.ts)(?:\.map)?|src\/.*\.(?:ts|md))$/u;
  const surplus = [...paths].filter(
    (path) => !allowed.test(path) || /\/assembly\/|(?:core|cli)\/(?:build|embed)|\.test\./u.test(path),
  );
  assert.deepEqual(surplus, []);
  const bytes = packed.reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes < 7_000_000, `${bytes} bytes unpacked`);
});

test("nothing in dist is left from an earlier build", () => {
  // The command line is bundled: its chunks have names of their own.
  for (const path of [...paths].filter((name) => !name.startsWith("dist/cli/"))) {
    const source = /^dist\/(.*?)(?:\.d)?\.[jt]s(?:\.map)?$/u.exec(path)?.[1];
    if (source !== undefined) assert.ok(paths.has(`src/${source}.ts`), path);
  }
});

test("source maps lead to shipped sources", () => {
  for (const path of [...paths].filter((name) => name.endsWith(".map"))) {
    const { sources } = JSON.parse(read(path)) as { sources: string[] };
    for (const source of sources) {
      const target = posix.join(posix.dirname(path), source);
      assert.ok(paths.has(target), `${path} leads to ${target}`);
    }
  }
});

const IMPORT = /(?:^(?:import|export)\s[^;]*?from |\bimport\()"([^"]+)"/gmu;

test("no package is imported that is not depended on", () => {
  const names = new Set<string>();
  for (const path of [...paths].filter((name) => name.endsWith(".js"))) {
    for (const [, specifier] of read(path).matchAll(IMPORT)) {
      if (!/^(?:\.|node:)/u.test(specifier!)) names.add(/^(?:@[^/]+\/)?[^/]+/u.exec(specifier!)![0]);
    }
  }
  assert.deepEqual([...names].sort(), Object.keys(manifest.dependencies).sort());
});

test("every entry point loads as shipped", () => {
  const program = `for (const name of process.argv.slice(1)) {
    const found = Object.keys(await import(name));
    if (found.length === 0) throw new Error(name + " exports nothing");
  }
  console.log("loaded");`;
  const names = doors.map(([name]) => posix.join("flatdelta", name));
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program, ...names], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(said, "loaded\n");
});

test("the command line runs as shipped", () => {
  const main = join(root, manifest.bin.flatdelta!);
  assert.equal(
    execFileSync(process.execPath, [main, "--version"], { encoding: "utf8" }),
    `${manifest.version}\n`,
  );
  assert.ok(read(manifest.bin.flatdelta!).startsWith("#!/usr/bin/env node\n"));
});

test("what the command line starts lies beside it", () => {
  const started = new Set<string>();
  for (const path of [...paths].filter((name) => /^dist\/cli\/.*\.js$/u.test(name))) {
    for (const [, file] of read(path).matchAll(/new URL\("\.\/([\w-]+\.js)", ?import\.meta\.url\)/gu))
      started.add(file!);
  }
  assert.deepEqual([...started].sort(), ["maker-process.js", "pair-worker.js", "segment-worker.js"]);
  for (const file of started) assert.ok(paths.has(`dist/cli/${file}`), file);
});

test("the changelog tells of this version", () => {
  assert.ok(
    read("CHANGELOG.md").includes(`## Unreleased: ${manifest.version}\n`) ||
      read("CHANGELOG.md").includes(`## ${manifest.version}`),
  );
});
