import { readFileSync } from "node:fs";
import type { OptionTable, OptionValues } from "./command.ts";
import { UsageError } from "./exit-code.ts";

/** The option that names a file with other options. */
export const CONFIG_OPTION: OptionTable = {
  config: {
    type: "string",
    value: "FILE",
    help: 'JSON object of options by long names ("max-jobs": 2); flags win',
  },
};

/**
 * The options of a command line, with those of its `--config` file where the command line says nothing.
 *
 * Lists are joined by commas, as on the command line.
 *
 * @throws {@link UsageError} for a file that is no JSON object, an option that the command does not have, or a value of another
 * type; the operating system's errors.
 */
export function addConfigFile(values: OptionValues, options: OptionTable): OptionValues {
  const path = values.config;
  if (typeof path !== "string") return values;
  const config: Record<string, string | boolean> = {};
  for (const [name, value] of Object.entries(readObject(path))) {
    const option = options[name];
    if (option === undefined || name === "config")
      throw new UsageError(`${path}: expected an option of the command, found ${JSON.stringify(name)}`);
    config[name] = parseValue(value, option.type, `${path}: ${name}`);
  }
  return { ...config, ...values };
}

function readObject(path: string): Record<string, unknown> {
  const text = readFileSync(path, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: expected JSON, found something else: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected a JSON object`);
  return value as Record<string, unknown>;
}

function parseValue(value: unknown, type: "string" | "boolean", where: string): string | boolean {
  if (type === "boolean") {
    if (typeof value === "boolean") return value;
    throw new UsageError(`${where}: expected true or false, found ${JSON.stringify(value)}`);
  }
  const parts = Array.isArray(value) ? value : [value];
  if (parts.length > 0 && parts.every((part) => typeof part === "string" || typeof part === "number"))
    return parts.join(",");
  throw new UsageError(
    `${where}: expected text, a number or a list of these, found ${JSON.stringify(value)}`,
  );
}
