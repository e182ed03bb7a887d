/**
 * Bad input through the command line: the exit code says who can act, and nothing is left behind.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual, makeFolder } from "./checks.ts";
import { flatdelta, PAIR, runCli } from "./tools.ts";

const EXIT_USAGE = 2;
const EXIT_FORMAT = 3;
const EXIT_MISMATCH = 4;
const EXIT_UNSUPPORTED = 6;
const EXIT_IMAGE = 7;

/** How many places of a file are damaged. The unit tests try every byte of a small one; here whole processes run. */
const DAMAGED_PLACES = 6;

interface Prepared {
  basis: string;
  target: string;
  delta: string;
  signature: string;
}

function prepare({ work }: CheckContext): Prepared {
  const path = (name: string): string => join(work, name);
  const made = {
    basis: path("basis"),
    target: path("target"),
    delta: path("delta"),
    signature: path("signature"),
  };
  flatdelta("flatten", join(PAIR, "old.tar"), "-o", made.basis);
  flatdelta("flatten", join(PAIR, "new.tar"), "-o", made.target);
  flatdelta("delta", made.basis, made.target, "-o", made.delta);
  flatdelta("signature", made.basis, "-o", made.signature);
  return made;
}

/** Run a command whose output must not appear: neither under its name nor under another. */
function expectRefused(
  context: CheckContext,
  what: string,
  exitCodes: readonly number[],
  ...args: string[]
): void {
  const folder = makeFolder(context, "output");
  const { exitCode, stderr } = runCli(...args, "-o", join(folder, "out"), "--json");
  if (exitCode === null || !exitCodes.includes(exitCode)) {
    throw new Error(
      `${what}: expected exit code ${exitCodes.join(" or ")}, found ${exitCode}: ${stderr.trim()}`,
    );
  }
  expectEqual(readdirSync(folder).join(), "", `${what}: files left behind`);
}

/** Copies of a file with one byte changed, at places spread over it. */
function* flipBytes(path: string, output: string): Generator<string> {
  const bytes = readFileSync(path);
  for (let place = 0; place < DAMAGED_PLACES; place++) {
    const offset = Math.floor((place * (bytes.length - 1)) / (DAMAGED_PLACES - 1));
    const damaged = Buffer.from(bytes);
    damaged[offset]! ^= 0x10;
    writeFileSync(output, damaged);
    yield `byte ${offset} of ${bytes.length} changed`;
  }
}

/** Copies of a file cut short, the empty one first. */
function* truncate(path: string, output: string): Generator<string> {
  const bytes = readFileSync(path);
  for (let place = 0; place < DAMAGED_PLACES; place++) {
    const length = Math.floor((place * (bytes.length - 1)) / (DAMAGED_PLACES - 1));
    writeFileSync(output, bytes.subarray(0, length));
    yield `cut to ${length} of ${bytes.length} bytes`;
  }
}

/**
 * A changed delta: damaged (FormatError), or, where the byte names something else that is not so, a wrong basis or
 * target (MismatchError), or a version or codec that nobody has (UnsupportedError).
 */
function checkDamagedDelta(context: CheckContext): void {
  const { basis, delta } = prepare(context);
  const damaged = join(context.work, "damaged");
  for (const what of flipBytes(delta, damaged)) {
    expectRefused(
      context,
      `delta, ${what}`,
      [EXIT_FORMAT, EXIT_MISMATCH, EXIT_UNSUPPORTED],
      "patch",
      basis,
      damaged,
    );
    expectNotVerified(damaged, what);
  }
  for (const what of truncate(delta, damaged)) {
    expectRefused(context, `delta, ${what}`, [EXIT_FORMAT], "patch", basis, damaged);
    expectNotVerified(damaged, what);
  }
  writeFileSync(damaged, Buffer.concat([readFileSync(delta), Buffer.from("x")]));
  expectRefused(context, "delta, a byte behind its end", [EXIT_FORMAT], "patch", basis, damaged);
  expectRefused(context, "an image for a delta", [EXIT_FORMAT], "patch", basis, basis);
}

function checkDamagedSignature(context: CheckContext): void {
  const { signature, target } = prepare(context);
  const damaged = join(context.work, "damaged");
  for (const make of [flipBytes, truncate]) {
    for (const what of make(signature, damaged)) {
      // What no longer looks like a signature is taken for an image, and is none.
      const exitCodes = [EXIT_FORMAT, EXIT_UNSUPPORTED, EXIT_IMAGE];
      expectRefused(context, `signature, ${what}`, exitCodes, "delta", damaged, target);
      expectNotVerified(damaged, what);
    }
  }
}

function checkDamagedImage(context: CheckContext): void {
  const damaged = join(context.work, "damaged");
  for (const what of truncate(join(PAIR, "old.tar"), damaged)) {
    expectRefused(context, `image, ${what}`, [EXIT_FORMAT, EXIT_IMAGE], "flatten", damaged);
  }
  const { basis } = prepare(context);
  for (const what of flipBytes(basis, damaged)) expectNotVerified(damaged, `flat image, ${what}`);
}

function expectNotVerified(path: string, what: string): void {
  const { exitCode } = runCli("verify", path);
  if (exitCode === 0) throw new Error(`verify says that a file is whole: ${what}`);
  if (exitCode === null || exitCode === 1) throw new Error(`verify ended with ${exitCode}: ${what}`);
}

function checkWrongBasis(context: CheckContext): void {
  const { basis, target, delta } = prepare(context);
  expectRefused(context, "the target as the basis", [EXIT_MISMATCH], "patch", target, delta);
  const other = join(context.work, "other");
  for (const what of flipBytes(basis, other)) {
    expectRefused(context, `basis, ${what}`, [EXIT_MISMATCH], "patch", "--raw", other, delta);
  }
}

async function checkOutputIsKept(context: CheckContext): Promise<void> {
  const { basis, target, delta } = prepare(context);
  const folder = makeFolder(context, "kept");
  const output = join(folder, "out");
  writeFileSync(output, "precious");
  expectEqual(
    runCli("patch", basis, delta, "-o", output).exitCode,
    EXIT_USAGE,
    "patch over an existing file",
  );
  const damaged = join(context.work, "damaged");
  writeFileSync(damaged, readFileSync(delta).subarray(0, -1));
  expectEqual(
    runCli("patch", basis, damaged, "-o", output, "--force").exitCode,
    EXIT_FORMAT,
    "patch --force",
  );
  expectEqual(readFileSync(output, "utf8"), "precious", "the file that was there before a failure");
  flatdelta("patch", basis, delta, "-o", output, "--force");
  expectEqual(await hashFile(output), await hashFile(target), "SHA-256 of what --force wrote");
  expectEqual(readdirSync(folder).join(), "out", "files beside the output");
}

export const DAMAGE_CHECKS: readonly Check[] = [
  { claim: "a damaged or truncated delta is refused and leaves nothing", run: checkDamagedDelta },
  { claim: "a damaged or truncated signature is refused and leaves nothing", run: checkDamagedSignature },
  { claim: "a truncated image and a changed flat image are refused", run: checkDamagedImage },
  { claim: "a wrong basis is refused and leaves nothing", run: checkWrongBasis },
  {
    claim: "an existing output survives a failure and is replaced only when asked for",
    run: checkOutputIsKept,
  },
];
