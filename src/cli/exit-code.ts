import { errorCodeOf, isFlatdeltaError } from "../errors.ts";

/** What each exit code means. `docs/CLI.md` and `flatdelta --help` show this table. */
export const ExitCode = {
  OK: 0,
  UNEXPECTED: 1,
  USAGE: 2,
  FORMAT: 3,
  MISMATCH: 4,
  LIMIT: 5,
  UNSUPPORTED: 6,
  IMAGE: 7,
  SPACE: 8,
  STATE: 9,
  NETWORK: 10,
} as const;

/** The exit codes in words, for help texts. */
export const EXIT_CODE_MEANINGS: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "success"],
  ["1", "an error of the operating system, or one that nobody expected"],
  ["2", "wrong use: unknown option, missing argument, output that exists already"],
  ["3", "a delta or signature is damaged, or the file is neither (FormatError)"],
  ["4", "the bytes are not those that were named: wrong basis, wrong target (MismatchError)"],
  ["5", "a limit is exceeded (LimitError)"],
  ["6", "this version or runtime cannot handle the file (UnsupportedError)"],
  ["7", "the image is invalid (ImageError)"],
  ["8", "not enough space (SpaceError, ENOSPC)"],
  ["9", "another process or an interrupted update stands in the way (StateError)"],
  ["10", "a server cannot be reached, or does not give what it was asked for (NetworkError)"],
  ["130, 143", "interrupted by SIGINT or SIGTERM"],
];

const USAGE_CODE = "USAGE";

/** The command line is wrong. The message says what was expected. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code = USAGE_CODE;
}

/** Run a check of the library's on an argument of the command line: what it refuses is wrong use. */
export function checkUsage<Value>(check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

/** The process was told to stop. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
  readonly code = "INTERRUPTED";
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${signal}; nothing was written`);
    // What a shell reports for a process that the signal ended: 128 + the signal's number.
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}

// By name and not by `instanceof`, so that an error of another copy of the package keeps its code: bundles have such copies.
const CODE_OF_CLASS: Readonly<Record<string, number>> = {
  FormatError: ExitCode.FORMAT,
  MismatchError: ExitCode.MISMATCH,
  LimitError: ExitCode.LIMIT,
  UnsupportedError: ExitCode.UNSUPPORTED,
  ImageError: ExitCode.IMAGE,
  SpaceError: ExitCode.SPACE,
  StateError: ExitCode.STATE,
  NetworkError: ExitCode.NETWORK,
};

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitCode;
  if (isFlatdeltaError(error)) return CODE_OF_CLASS[error.name] ?? ExitCode.UNEXPECTED;
  const code = errorCodeOf(error);
  if (code === USAGE_CODE) return ExitCode.USAGE;
  return code === "ENOSPC" || code === "EDQUOT" ? ExitCode.SPACE : ExitCode.UNEXPECTED;
}
