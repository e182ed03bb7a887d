/** What follows from which error. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ErrorCode,
  FormatError,
  LimitError,
  MismatchError,
  NetworkError,
  SpaceError,
  StateError,
  UnsupportedError,
} from "../../src/errors.ts";
import { findRule, type Remedy, RULES, type Rule, type UpdateStep } from "../../src/update/index.ts";

const network = (code: ErrorCode, isRetryable: boolean) => new NetworkError(code, "x", { isRetryable });
const system = (code: string) => Object.assign(new Error(code), { code });
const { BASIS_MISMATCH, TARGET_MISMATCH, CORRUPT_BODY, NO_SPACE } = ErrorCode;

type Case = readonly [
  error: unknown,
  step: UpdateStep,
  remedy: Remedy,
  otherwise?: Remedy | undefined,
  isBegun?: boolean,
];

const CASES: readonly Case[] = [
  // The service refuses.
  [network(ErrorCode.UNAUTHORIZED, false), "resolve", "report"],
  [network(ErrorCode.UNAUTHORIZED, false), "request", "report"],
  [network(ErrorCode.UNAUTHORIZED, false), "download", "report"],
  [network(ErrorCode.UNAUTHORIZED, false), "pull", "report"],
  [network(ErrorCode.HTTP_STATUS, false), "request", "pull"],
  [network(ErrorCode.NOT_FOUND, false), "request", "pull"],
  [network(ErrorCode.NOT_FOUND, false), "download", "pull"],
  [network(ErrorCode.BAD_RESPONSE, false), "request", "pull"],
  [new LimitError(ErrorCode.SIZE_LIMIT, "x"), "request", "pull"],
  [network(ErrorCode.NOT_FOUND, false), "resolve", "report"],
  [network(ErrorCode.NOT_FOUND, false), "pull", "report"],
  // It is not ready, or not well.
  [network(ErrorCode.NOT_READY, true), "request", "wait", "pull"],
  [network(ErrorCode.NOT_READY, true), "resolve", "wait", "report"],
  [network(ErrorCode.NOT_READY, true), "download", "retry", "pull"],
  [network(ErrorCode.TOO_MANY_REQUESTS, true), "request", "retry", "pull"],
  [network(ErrorCode.HTTP_STATUS, true), "download", "retry", "pull"],
  [network(ErrorCode.UNREACHABLE, true), "download", "retry", "pull"],
  [network(ErrorCode.TIMEOUT, true), "download", "retry", "pull"],
  [network(ErrorCode.UNREACHABLE, true), "resolve", "retry", "report"],
  [network(ErrorCode.HTTP_STATUS, true), "pull", "retry", "report"],
  [network(ErrorCode.UNREACHABLE, false), "pull", "report"],
  [network(ErrorCode.DIGEST_MISMATCH, true), "download", "retry", "pull"],
  // The delta is of no use.
  [new MismatchError(BASIS_MISMATCH, "x"), "apply", "pull"],
  [new MismatchError(ErrorCode.SOURCE_CHANGED, "x"), "apply", "pull"],
  [new MismatchError(TARGET_MISMATCH, "x"), "apply", "pull"],
  [new FormatError(CORRUPT_BODY, "x"), "apply", "pull"],
  [new FormatError(ErrorCode.TRUNCATED, "x"), "apply", "pull"],
  [new FormatError(ErrorCode.BAD_MAGIC, "x"), "apply", "pull"],
  [new UnsupportedError(ErrorCode.UNSUPPORTED_VERSION, "x"), "apply", "pull"],
  [new UnsupportedError(ErrorCode.UNSUPPORTED_CODEC, "x"), "apply", "pull"],
  [new LimitError(ErrorCode.MEMORY_LIMIT, "x"), "apply", "pull"],
  [new LimitError(ErrorCode.TIMEOUT, "x"), "apply", "pull"],
  // There is no room.
  [new SpaceError(NO_SPACE, "x"), "apply", "beside", "pull"],
  [system("ENOSPC"), "apply", "beside", "pull"],
  [new UnsupportedError(ErrorCode.UNSUPPORTED_FEATURE, "x"), "apply", "beside", "pull"],
  [system("ENOSPC"), "download", "pull"],
  [system("EDQUOT"), "pull", "report"],
  // In place something was overwritten: only completing it leads on, unless that is impossible.
  [new StateError(ErrorCode.BAD_STATE, "x"), "apply", "pull", undefined, true],
  [new MismatchError(TARGET_MISMATCH, "x"), "apply", "pull", undefined, true],
  [system("ENOSPC"), "apply", "report", undefined, true],
  [system("EIO"), "apply", "report", undefined, true],
  [new MismatchError(BASIS_MISMATCH, "x"), "apply", "report", undefined, true],
  [new LimitError(ErrorCode.TIMEOUT, "x"), "apply", "report", undefined, true],
  // Somebody has to look at it.
  [new StateError(ErrorCode.IN_USE, "x"), "apply", "report"],
  [system("EACCES"), "apply", "report"],
  [new TypeError("x"), "request", "report"],
  ["no error at all", "apply", "report"],
];

const used = new Set<Rule>();

for (const [error, step, remedy, otherwise, isBegun = false] of CASES) {
  const code = (error as { code?: string }).code ?? String(error);
  const retryable = error instanceof NetworkError && error.isRetryable ? ", retryable" : "";
  test(`${step}, ${code}${retryable}${isBegun ? ", begun" : ""}: ${remedy}`, () => {
    const rule = findRule(error, step, isBegun);
    if (rule !== undefined) used.add(rule);
    assert.equal(rule?.remedy ?? "report", remedy);
    assert.equal(rule?.otherwise, otherwise);
  });
}

test("every row of the table was met", () => {
  assert.deepEqual(
    RULES.filter((rule) => !used.has(rule)),
    [],
  );
});

test("an update in place that has begun is never left for a pull unless it cannot be completed", () => {
  for (const rule of RULES.filter(({ steps, isBegun }) => steps.includes("apply") && isBegun !== false))
    assert.deepEqual(rule.codes, [ErrorCode.BAD_STATE, TARGET_MISMATCH]);
});
