/**
 * What follows from which error: all of it, in one table.
 *
 * @module
 */
import { ErrorCode, errorCodeOf, isFlatdeltaError, type NetworkError } from "../errors.ts";

/** The part of an update in which something failed. */
export type UpdateStep = "resolve" | "request" | "download" | "apply" | "pull";

/**
 * What to do about it:
 *
 * - "retry": try the same again after a while, as often as the policy says; a download goes on where it broke off;
 * - "wait": ask again until the deadline for deltas that are being made;
 * - "beside": apply the delta, but not in place;
 * - "pull": pull the whole image;
 * - "report": give up for now. What the device has stays as it is, and the next run goes on from there.
 */
export type Remedy = "retry" | "wait" | "beside" | "pull" | "report";

/** One row of the table. */
export interface Rule {
  readonly steps: readonly UpdateStep[];
  /** The errors' codes; those of the operating system too. */
  readonly codes: readonly string[];
  /** Only where the error says whether the same may succeed later. */
  readonly isRetryable?: boolean;
  /** Only while the first byte of the image was overwritten, or not yet. */
  readonly isBegun?: boolean;
  readonly remedy: Remedy;
  /** How often to try again at most, where that is less than the policy allows. */
  readonly atMost?: number;
  /** What follows when trying again or waiting did not help. */
  readonly otherwise?: Exclude<Remedy, "retry" | "wait">;
  /** Why. */
  readonly because: string;
}

const NO_ROOM = [ErrorCode.NO_SPACE, "ENOSPC", "EDQUOT"] as const;

const NETWORK = [
  ErrorCode.UNREACHABLE,
  ErrorCode.TIMEOUT,
  ErrorCode.NOT_FOUND,
  ErrorCode.NOT_READY,
  ErrorCode.TOO_MANY_REQUESTS,
  ErrorCode.HTTP_STATUS,
  ErrorCode.BAD_RESPONSE,
] as const;

const DAMAGED = [
  ErrorCode.BAD_MAGIC,
  ErrorCode.TRUNCATED,
  ErrorCode.CORRUPT_HEADER,
  ErrorCode.CORRUPT_BODY,
  ErrorCode.TRAILING_DATA,
] as const;

const NOT_FOR_US = [
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.UNSUPPORTED_CODEC,
  ErrorCode.UNSUPPORTED_FEATURE,
  ErrorCode.SIZE_LIMIT,
  ErrorCode.MEMORY_LIMIT,
  ErrorCode.COUNT_LIMIT,
] as const;

/** The table. The first row that fits holds; what fits none is reported. */
export const RULES: readonly Rule[] = [
  {
    steps: ["apply"],
    codes: [ErrorCode.BAD_STATE, ErrorCode.TARGET_MISMATCH],
    isBegun: true,
    remedy: "pull",
    because: "the update in place cannot be completed",
  },
  {
    steps: ["resolve", "request", "download", "pull"],
    codes: [ErrorCode.UNAUTHORIZED],
    remedy: "report",
    because: "a full pull would be refused too; other credentials are needed",
  },
  {
    steps: ["request"],
    codes: [ErrorCode.NOT_READY],
    remedy: "wait",
    otherwise: "pull",
    because: "the delta is still being made",
  },
  {
    steps: ["resolve"],
    codes: [ErrorCode.NOT_READY],
    remedy: "wait",
    otherwise: "report",
    because: "the release is still being read",
  },
  {
    steps: ["request", "download"],
    codes: NETWORK,
    isRetryable: true,
    remedy: "retry",
    otherwise: "pull",
    because: "the retries are used up",
  },
  {
    steps: ["resolve", "pull"],
    codes: NETWORK,
    isRetryable: true,
    remedy: "retry",
    otherwise: "report",
    because: "the retries are used up",
  },
  {
    steps: ["request", "download"],
    codes: [...NETWORK, ErrorCode.SIZE_LIMIT],
    isRetryable: false,
    remedy: "pull",
    because: "the server has no delta to give",
  },
  {
    steps: ["download"],
    codes: [ErrorCode.DIGEST_MISMATCH],
    remedy: "retry",
    // Each time costs the whole delta.
    atMost: 3,
    otherwise: "pull",
    because: "the server gives other bytes than it offered",
  },
  {
    steps: ["download"],
    codes: NO_ROOM,
    remedy: "pull",
    because: "there is no room for the delta",
  },
  {
    steps: ["apply"],
    codes: [...NO_ROOM, ErrorCode.UNSUPPORTED_FEATURE],
    isBegun: false,
    remedy: "beside",
    otherwise: "pull",
    because: "the delta cannot be applied here",
  },
  {
    steps: ["apply"],
    codes: [ErrorCode.BASIS_MISMATCH, ErrorCode.SOURCE_CHANGED],
    isBegun: false,
    remedy: "pull",
    because: "the delta is for another image than the one that is here",
  },
  {
    steps: ["apply"],
    codes: [...DAMAGED, ErrorCode.TARGET_MISMATCH],
    isBegun: false,
    remedy: "pull",
    because: "the delta is damaged or a wrong one",
  },
  {
    steps: ["apply"],
    codes: [...NOT_FOR_US, ErrorCode.WORKER_FAILED, ErrorCode.TIMEOUT],
    isBegun: false,
    remedy: "pull",
    because: "the delta asks for more than this device can or may do",
  },
];

const isRetryableError = (error: unknown): boolean =>
  isFlatdeltaError(error) && (error as NetworkError).isRetryable === true;

/**
 * What follows from an error.
 *
 * @param isBegun - whether the first byte of the image was overwritten.
 * @returns the row that fits; `undefined` for an error that is to be reported.
 */
export function findRule(error: unknown, step: UpdateStep, isBegun = false): Rule | undefined {
  const code = errorCodeOf(error);
  return RULES.find(
    (rule) =>
      rule.steps.includes(step) &&
      rule.codes.includes(code) &&
      (rule.isRetryable ?? isRetryableError(error)) === isRetryableError(error) &&
      (rule.isBegun ?? isBegun) === isBegun,
  );
}
