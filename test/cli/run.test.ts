import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { InterruptedError } from "../../src/cli/exit-code.ts";
import { run } from "./harness.ts";

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  for (const flag of ["--version", "-V"]) {
    assert.deepEqual(await run([flag]), { code: 0, stdout: `${version}\n`, stderr: "" });
  }
});

test("--help names every command and every exit code", async () => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await run(argv);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const [name, { summary }] of COMMANDS)
      assert.ok(stdout.includes(`${name} `) && stdout.includes(summary));
    for (const exit of ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "130, 143 "]) {
      assert.ok(stdout.includes(`\n  ${exit}`), `exit code ${exit}`);
    }
  }
});

test("help fits a terminal of 120 columns", async () => {
  for (const argv of [["--help"], ...[...COMMANDS.keys()].map((name) => [name, "--help"])]) {
    for (const line of (await run(argv)).stdout.split("\n"))
      assert.ok(line.length <= 120, `${argv}: ${line}`);
  }
});

for (const name of COMMANDS.keys()) {
  test(`${name} --help shows its use, its options and examples`, async () => {
    const { code, stdout, stderr } = await run([name, "--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    const { operands, options, examples } = await COMMANDS.get(name)!.load([]);
    assert.ok(stdout.startsWith(`Usage: flatdelta ${name} [OPTION…] ${operands.join(" ")}`));
    for (const option of [...Object.keys(options), "json", "quiet", "help"]) {
      assert.ok(stdout.includes(`--${option}`), option);
    }
    assert.ok(examples.length > 0);
    for (const [, line] of examples)
      assert.ok(stdout.includes(line) && line.includes(`flatdelta ${name} `), line);
    assert.deepEqual(await run(["help", name]), { code, stdout, stderr });
  });
}

test("wrong use is exit code 2 and one line", async () => {
  for (const argv of [
    [],
    ["patch-all"],
    ["help", "patch-all"],
    ["verify"],
    ["verify", "a", "--turbo"],
    ["delta", "a", "b"],
  ]) {
    const { code, stdout, stderr } = await run(argv);
    assert.equal(code, 2, argv.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /^flatdelta: expected .* \(USAGE\)\n$|^flatdelta: Unknown option .* \(USAGE\)\n$/);
  }
});

test("with --json an error is an object too", async () => {
  const { code, stdout, stderr } = await run(["verify", "/nowhere/x", "--json"]);
  assert.equal(code, 1);
  assert.equal(stderr, "flatdelta: no such file or directory, open '/nowhere/x' (ENOENT)\n");
  assert.deepEqual(JSON.parse(stdout), {
    error: { code: "ENOENT", message: "no such file or directory, open '/nowhere/x'", path: "/nowhere/x" },
  });
  const usage = await run(["verify", "--turbo", "--json"]);
  assert.equal(usage.code, 2);
  assert.equal(JSON.parse(usage.stdout).error.code, "USAGE");
});

test("a stack is shown only on demand", async () => {
  assert.doesNotMatch((await run(["verify", "/nowhere/x"])).stderr, /\n {4}at /);
  assert.match((await run(["verify", "/nowhere/x"], { debug: true })).stderr, /\n {4}at /);
});

test("an interruption has its own exit code, whatever it breaks", async () => {
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const signal = AbortSignal.abort(new InterruptedError(name));
    const outcome = await run(["verify", "/nowhere/x"], { signal });
    assert.deepEqual(outcome, {
      code,
      stdout: "",
      stderr: `flatdelta: interrupted by ${name}; nothing was written (INTERRUPTED)\n`,
    });
  }
});
