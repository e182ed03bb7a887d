import { COMMON_OPTIONS } from "./arguments.ts";
import type { Command, OptionTable } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT_CODE_MEANINGS } from "./exit-code.ts";

const IMAGE_NAMES: readonly (readonly [string, string])[] = [
  ["docker-archive:FILE[:REF]", "what docker save writes; REF is name:tag or @index"],
  ["oci-archive:FILE[:REF]", "an OCI layout in a tar"],
  ["oci:DIR[:REF]", "an OCI layout in a folder"],
  ["rootfs:DIR[:CONFIG]", "an unpacked root file system and its image's config JSON"],
  ["flat:FILE", "a flat image"],
  ["docker://REF", "an image in a registry: [HOST/]NAME[:TAG][@DIGEST]"],
  ["docker-daemon:REF", "an image in the Docker engine of DOCKER_HOST, by name or ID"],
  ["FILE or DIR", "any of these, recognised by content"],
  ["-", "an archive or flat image on standard input, plain, gzip or zstd"],
  ["docker-archive:-[:REF]", "the same, of several images the one named REF; oci-archive:-[:REF] likewise"],
];

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function optionRows(options: OptionTable): [string, string][] {
  return Object.entries(options).map(([name, { short, value, help }]) => [
    `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
    help,
  ]);
}

/** What `flatdelta --help` prints. */
export function generalHelp(): string {
  return `flatdelta ships only what changed between two container images.

Usage: flatdelta COMMAND [OPTION…] ARGUMENT…

Commands:
${table([...COMMANDS].map(([name, { summary }]) => [name, summary]))}

Options:
${table([
  ["--help", 'show this help; "flatdelta COMMAND --help" shows that of a command'],
  ["--version", "show the version"],
])}

Images are named as skopeo names them:
${table(IMAGE_NAMES)}

Exit codes:
${table(EXIT_CODE_MEANINGS)}

With FLATDELTA_DEBUG=1 in the environment errors show where they came from.

Example:
  flatdelta flatten old.tar -o old.flat
  flatdelta delta old.flat new.tar -o update.delta
  flatdelta patch old.flat update.delta -o new.flat
`;
}

/** The line that says how a command is called. */
export function usageLine(name: string, command: Pick<Command, "operands" | "options">): string {
  const output = "output" in command.options ? " -o FILE" : "";
  return `flatdelta ${name} [OPTION…] ${command.operands.join(" ")}${output}`;
}

/** What `flatdelta COMMAND --help` prints. */
export function commandHelp(name: string, command: Command): string {
  return `Usage: ${usageLine(name, command)}

${command.description}

Options:
${table(optionRows({ ...command.options, ...COMMON_OPTIONS }))}

Examples:
${command.examples.map(([comment, line]) => `  # ${comment}\n  ${line}`).join("\n")}
`;
}
