import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceOption, numberOption, parseCommandArguments, textOption } from "../../src/cli/arguments.ts";
import { UsageError } from "../../src/cli/exit-code.ts";

const command = {
  operands: ["BASIS", "TARGET"],
  options: { output: { type: "string", short: "o", help: "" }, raw: { type: "boolean", help: "" } },
} as const;

const parse = (...argv: string[]) => parseCommandArguments("delta", command, argv);

test("operands and options come in any order", () => {
  for (const argv of [
    ["a", "b", "-o", "c", "--raw", "--json"],
    ["--json", "--output=c", "a", "--raw", "b"],
    ["--raw", "--json", "-oc", "--", "a", "b"],
  ]) {
    const { operands, values } = parse(...argv);
    assert.deepEqual(operands, ["a", "b"]);
    assert.deepEqual({ ...values }, { output: "c", raw: true, json: true });
  }
});

test("an operand may begin with a dash behind --, and be a dash anywhere", () => {
  assert.deepEqual(parse("--", "-a", "b").operands, ["-a", "b"]);
  assert.deepEqual(parse("a", "-").operands, ["a", "-"]);
});

test("wrong command lines say what was expected", () => {
  const cases: [string[], RegExp][] = [
    [[], /^expected BASIS TARGET, got nothing; see "flatdelta delta --help"$/],
    [["a"], /^expected BASIS TARGET, got a; see/],
    [["a", "b", "c"], /^expected BASIS TARGET, got a b c; see/],
    [["a", "b", "--turbo"], /'--turbo'.*see "flatdelta delta --help"$/],
    [["a", "b", "-o"], /'-o, --output <value>'.*see/],
    [["a", "b", "--raw=yes"], /'--raw'.*see/],
  ];
  for (const [argv, message] of cases) {
    assert.throws(
      () => parse(...argv),
      (error) => error instanceof UsageError && message.test(error.message),
      argv.join(" "),
    );
  }
});

test("help needs no operands", () => {
  assert.equal(parse("--help").values.help, true);
});

test("values are checked", () => {
  assert.equal(textOption({ a: "x" }, "a"), "x");
  assert.equal(textOption({}, "a"), undefined);
  assert.throws(() => textOption({ a: "" }, "a"), UsageError);
  assert.equal(numberOption({ n: "16" }, "n", 16, 64), 16);
  assert.equal(numberOption({}, "n", 16, 64), undefined);
  for (const bad of ["15", "65", "1e1", "0x20", " 32", "-32", "32.0", "many"]) {
    assert.throws(() => numberOption({ n: bad }, "n", 16, 64), UsageError, bad);
  }
  assert.equal(choiceOption({ c: "brotli" }, "c", ["none", "brotli"]), "brotli");
  assert.throws(() => choiceOption({ c: "lzma" }, "c", ["none", "brotli"]), /one of none, brotli, got lzma/);
});
