import type { RequestLogEntry } from "../../serve/node.ts";

/** How the log is written. */
export type LogForm = "text" | "json";

type Entry = Readonly<Record<string, string | number | boolean | undefined>> & { readonly event: string };

/** The log of a running service: one line for each request and for what happens in between. */
export interface ServeLog {
  tell(entry: Entry): void;
  tellRequest(entry: RequestLogEntry): void;
  requestCount(): number;
}

/** Text of a client, on one line and without what a terminal would obey. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/gu, "?");

/** @param write - writes a line. */
export function createServeLog(form: LogForm, write: (line: string) => void): ServeLog {
  let requests = 0;
  const tell = (entry: Entry): void => {
    const time = new Date().toISOString();
    if (form === "json") {
      write(JSON.stringify({ time, ...entry }));
      return;
    }
    const { event, ...details } = entry;
    const texts = Object.entries(details).map(([name, value]) => `${name}=${printable(String(value))}`);
    write([time, event, ...texts].join(" "));
  };
  return {
    tell,
    tellRequest: ({ milliseconds, isCut, ...entry }) => {
      requests++;
      tell({
        event: "request",
        ...entry,
        milliseconds: Number(milliseconds.toFixed(1)),
        ...(isCut ? { isCut } : {}),
      });
    },
    requestCount: () => requests,
  };
}
