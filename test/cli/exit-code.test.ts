import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT_CODE_MEANINGS, exitCodeOf, InterruptedError, UsageError } from "../../src/cli/exit-code.ts";
import * as errors from "../../src/errors.ts";

const { ErrorCode } = errors;

test("every class of error has its exit code", () => {
  const expected = new Map<unknown, number>([
    [new errors.FormatError(ErrorCode.TRUNCATED, ""), 3],
    [new errors.MismatchError(ErrorCode.BASIS_MISMATCH, ""), 4],
    [new errors.LimitError(ErrorCode.SIZE_LIMIT, ""), 5],
    [new errors.UnsupportedError(ErrorCode.UNSUPPORTED_CODEC, ""), 6],
    [new errors.ImageError(ErrorCode.MISSING_BLOB, ""), 7],
    [new errors.SpaceError(ErrorCode.NO_SPACE, ""), 8],
    [new errors.StateError(ErrorCode.IN_USE, ""), 9],
    [new UsageError(""), 2],
    // Of another copy of the class, as bundles have them.
    [Object.assign(new Error(""), { name: "UsageError", code: "USAGE" }), 2],
    [new InterruptedError("SIGINT"), 130],
    [new InterruptedError("SIGTERM"), 143],
    [Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }), 8],
    [Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" }), 1],
    [new Error("a bug"), 1],
    [undefined, 1],
  ]);
  for (const [error, code] of expected) assert.equal(exitCodeOf(error), code, String(error));
});

test("no class of error is left without an exit code of its own", () => {
  for (const [name, value] of Object.entries(errors)) {
    if (!/^(?!Flatdelta)[A-Z]\w*Error$/u.test(name)) continue;
    const Class = value as typeof errors.FormatError;
    assert.ok(exitCodeOf(new Class(ErrorCode.TRUNCATED, "")) >= 3, name);
  }
});

test("codes come from any error", () => {
  assert.equal(errors.errorCodeOf(new errors.FormatError(ErrorCode.TRUNCATED, "")), "TRUNCATED");
  assert.equal(errors.errorCodeOf(Object.assign(new Error(""), { code: "ENOENT" })), "ENOENT");
  assert.equal(errors.errorCodeOf(new Error("")), "UNEXPECTED");
  assert.equal(errors.errorCodeOf(null), "UNEXPECTED");
});

test("the exit codes are documented", () => {
  const page = readFileSync(new URL("../../docs/CLI.md", import.meta.url), "utf8");
  for (const [code, meaning] of EXIT_CODE_MEANINGS) {
    assert.ok(page.includes(`| ${code} | ${meaning} |`), `docs/CLI.md has the row of ${code}`);
  }
});
