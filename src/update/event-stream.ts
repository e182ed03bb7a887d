import { ErrorCode, LimitError } from "../errors.ts";

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** "message" unless the server names it. */
  readonly type: string;
  readonly data: string;
  /** The last id that the stream has named: what to send as `Last-Event-ID`. */
  readonly lastId: string | undefined;
}

/** What a stream has said besides events. */
export interface StreamNotes {
  /** How long to wait before connecting again, in milliseconds. */
  retryMs: number | undefined;
}

// An event of this protocol has some hundred characters. Lines count as one more each, since empty ones take memory, too.
const MAX_EVENT_CHARACTERS = 1 << 16;

/**
 * The events of a stream (WHATWG HTML, section 9.2.6), as they arrive. What is behind the last blank line is no event.
 *
 * @param notes - filled in with what the stream says about reconnecting.
 * @throws {@link LimitError} `SIZE_LIMIT` for an event of more than 65,536 characters.
 */
export async function* parseEventStream(
  pieces: AsyncIterable<Uint8Array>,
  notes: StreamNotes = { retryMs: undefined },
): AsyncGenerator<ServerEvent, void, undefined> {
  let type = "";
  let data: string[] = [];
  let characters = 0;
  let lastId: string | undefined;
  for await (const line of readLines(pieces)) {
    if (line === "") {
      if (data.length > 0) yield { type: type || "message", data: data.join("\n"), lastId };
      type = "";
      data = [];
      characters = 0;
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "event") type = value;
    else if (field === "data") {
      data.push(value);
      characters += value.length + 1;
    } else if (field === "id" && !value.includes("\0")) lastId = value;
    else if (field === "retry" && /^\d{1,9}$/u.test(value)) notes.retryMs = Number(value);
    checkLength(characters, "events");
  }
}

/** Lines that end with CR LF, LF or CR. */
async function* readLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let endedWithCr = false;
  for await (const piece of pieces) {
    let text = decoder.decode(piece, { stream: true });
    if (text === "") continue;
    // The LF of a CR LF that was cut apart.
    if (endedWithCr && text.startsWith("\n")) text = text.slice(1);
    endedWithCr = text === "" ? false : text.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/u);
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    checkLength(rest.length, "lines");
    yield* lines;
  }
}

function checkLength(characters: number, what: string): void {
  if (characters <= MAX_EVENT_CHARACTERS) return;
  throw new LimitError(
    ErrorCode.SIZE_LIMIT,
    `expected ${what} of at most ${MAX_EVENT_CHARACTERS} characters in the stream of events, found longer ones`,
  );
}
