import { parseArgs } from "node:util";
import type { Command, OptionTable, OptionValues } from "./command.ts";
import { UsageError } from "./exit-code.ts";

/** Options that every command takes. */
export const COMMON_OPTIONS: OptionTable = {
  json: { type: "boolean", help: "print one JSON object on standard output and nothing else there" },
  quiet: { type: "boolean", short: "q", help: "print nothing but errors" },
  help: { type: "boolean", short: "h", help: "show this help" },
};

/** Options of the commands that write a file. */
export const OUTPUT_OPTIONS: OptionTable = {
  output: { type: "string", short: "o", value: "FILE", help: "where to write; needed" },
  force: { type: "boolean", short: "f", help: "replace FILE if it exists" },
};

/** Options of the commands that speak to registries. */
export const REGISTRY_OPTIONS: OptionTable = {
  "registry-config": {
    type: "string",
    value: "FILE",
    help: "Docker's config.json with credentials for registries (that of docker login)",
  },
  "insecure-registry": {
    type: "string",
    value: "HOST[,…]",
    help: "registries that are spoken to by plain http; those of this machine are anyway",
  },
};

/** Options of the commands that read images. */
export const IMAGE_OPTIONS: OptionTable = {
  platform: {
    type: "string",
    value: "OS/ARCH[/VARIANT]",
    help: "which image of a multi-platform one to take (linux and this machine's architecture)",
  },
  xattrs: {
    type: "string",
    value: "read|ignore",
    help: "extended attributes of a rootfs folder (read)",
  },
  "max-image-size": {
    type: "string",
    value: "SIZE",
    help: "the largest flat image, and what its layers decompress to (64G)",
  },
  tmp: {
    type: "string",
    value: "DIR",
    help: "folder for layers and archives from elsewhere (the system's temporary folder)",
  },
  ...REGISTRY_OPTIONS,
};

/** What the arguments of a command say. */
export interface ParsedArguments {
  readonly operands: readonly string[];
  readonly values: OptionValues;
}

/**
 * Parse the arguments after the command's name.
 *
 * @throws {@link UsageError} for an unknown option, a missing value, or another number of operands than the command
 * takes; with `--help` the operands are not looked at.
 */
export function parseCommandArguments(
  name: string,
  command: Pick<Command, "operands" | "options">,
  argv: readonly string[],
): ParsedArguments {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [option, { type, short }] of Object.entries({ ...command.options, ...COMMON_OPTIONS })) {
    options[option] = short === undefined ? { type } : { type, short };
  }
  const hint = `see "flatdelta ${name} --help"`;
  const { positionals, values } = parse();
  const needed = command.operands.filter((operand) => !operand.startsWith("[")).length;
  const isFit = positionals.length >= needed && positionals.length <= command.operands.length;
  if (values.help !== true && !isFit) {
    throw new UsageError(
      `expected ${command.operands.join(" ")}, got ${positionals.length === 0 ? "nothing" : positionals.join(" ")}; ${hint}`,
    );
  }
  return { operands: positionals, values };

  function parse() {
    try {
      return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    } catch (error) {
      throw new UsageError(`${(error as Error).message.replace(/\. .*$/su, "")}; ${hint}`);
    }
  }
}

/** The value of an option that takes text. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === "") throw new UsageError(`expected a value for --${name}, got nothing`);
  return typeof value === "string" ? value : undefined;
}

/** The value of an option that takes a whole number in a range. */
export function numberOption(
  values: OptionValues,
  name: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const number = /^[0-9]+$/u.test(text) ? Number(text) : Number.NaN;
  if (!(number >= minimum && number <= maximum)) {
    throw new UsageError(
      `expected --${name} to be a whole number from ${minimum} to ${maximum}, got ${text}`,
    );
  }
  return number;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** The value of an option that takes a number of bytes, as dd and du write them: 4096, 500K, 64M, 1G. */
export function sizeOption(values: OptionValues, name: string): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const found = /^([0-9]{1,15})([KMGT]?)$/iu.exec(text);
  const bytes = found === null ? Number.NaN : Number(found[1]) * SIZE_UNITS[found[2]!.toUpperCase()]!;
  if (!Number.isSafeInteger(bytes))
    throw new UsageError(`expected --${name} to be a size such as 4096, 500K, 64M or 1G, got ${text}`);
  return bytes;
}

/** The value of an option that takes one of a few words. */
export function choiceOption<Choice extends string>(
  values: OptionValues,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) {
    throw new UsageError(`expected --${name} to be one of ${choices.join(", ")}, got ${text}`);
  }
  return choice;
}

/** The values of an option that takes several, with commas between them. */
export function listOption(values: OptionValues, name: string): string[] {
  return (textOption(values, name) ?? "").split(",").filter((item) => item !== "");
}
