import type { Command } from "./command.ts";
import { startThreadEarly } from "./early-thread.ts";

/** One line of the table of commands. Loading is left to the one that is called: start-up time is part of its speed. */
export interface CommandEntry {
  readonly summary: string;
  /** @param args - those of the command. */
  load(args: readonly string[]): Promise<Command>;
}

/** All commands, in the order that help shows them. */
export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map([
  [
    "flatten",
    {
      summary: "merge an image's layers into one canonical flat image",
      load: async () => (await import("./commands/flatten.ts")).flatten,
    },
  ],
  [
    "signature",
    {
      summary: "describe a basis, so that a delta can be made without it",
      load: async () => (await import("./commands/signature.ts")).signature,
    },
  ],
  [
    "delta",
    {
      summary: "write what changed between a basis and a target",
      load: async (args: readonly string[]) => {
        const thread = startThreadEarly(args);
        return (await import("./commands/delta.ts")).createDeltaCommand(thread);
      },
    },
  ],
  [
    "patch",
    {
      summary: "make the target from a basis and a delta",
      load: async () => (await import("./commands/patch.ts")).patch,
    },
  ],
  [
    "publish",
    {
      summary: "make a delta and put it into the registry of its target",
      load: async () => (await import("./commands/publish.ts")).publish,
    },
  ],
  [
    "verify",
    {
      summary: "prove that a flat image, delta or signature is whole",
      load: async () => (await import("./commands/verify.ts")).verify,
    },
  ],
  [
    "inspect",
    {
      summary: "tell what a flat image, delta or signature says about itself",
      load: async () => (await import("./commands/inspect.ts")).inspect,
    },
  ],
  [
    "update",
    {
      summary: "bring the image on this device to the one that it should have",
      load: async () => (await import("./commands/update.ts")).update,
    },
  ],
  [
    "agent",
    {
      summary: "keep the image on this device up to date",
      load: async () => (await import("./commands/agent.ts")).agent,
    },
  ],
  [
    "serve",
    {
      summary: "announce releases to devices and give them deltas, over HTTP",
      load: async () => (await import("./commands/serve.ts")).serve,
    },
  ],
]);
