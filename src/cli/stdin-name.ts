import { UsageError } from "./exit-code.ts";

/** Stands for standard input in place of a file. */
export const STDIN_NAME = "-";

/**
 * Whether the name says that an image comes from standard input: `-`, or `docker-archive:-` and `oci-archive:-` with
 * whatever follows.
 */
export function isStdinName(name: string): boolean {
  return name === STDIN_NAME || /^(?:docker|oci)-archive:-(?::|$)/u.test(name);
}

/** @throws UsageError when more than one of the names is standard input, which can be read but once. */
export function checkStdinOnce(...names: readonly string[]): void {
  if (names.filter(isStdinName).length > 1)
    throw new UsageError(`expected at most one of ${names.join(" and ")} to be standard input`);
}
