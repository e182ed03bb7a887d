import { ErrorCode, NetworkError } from "../errors.ts";
import { type ByteInput, toByteStream } from "../io/index.ts";
import {
  callEngine,
  type EngineAddress,
  engineError,
  parseEngineAddress,
  readMessage,
} from "./connection.ts";
import { imagePath, inspectImage } from "./inspect.ts";

/** Options of {@link loadEngineImage}. */
export interface LoadImageOptions {
  /** Where the engine listens, as `DOCKER_HOST` has it, which is the default: `unix:///var/run/docker.sock` without one. */
  host?: string | undefined;
  /** A name (`app:2`) that the image gets. */
  name?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** An image that an engine has taken in. */
export interface LoadedImage {
  /** "sha256:…", as `docker image ls --no-trunc` shows it. */
  id: string;
}

/**
 * Load a flat image, or any archive that `docker load` takes with one image in it, into a Docker engine. It is sent as it is
 * read; when reading fails, the engine gets to see that it is not whole and takes nothing.
 *
 * @throws NetworkError `UNREACHABLE`, `HTTP_STATUS`, and `BAD_RESPONSE` with the engine's own words when it does not
 * take the image; whatever the input throws.
 */
export async function loadEngineImage(
  image: ByteInput,
  options: LoadImageOptions = {},
): Promise<LoadedImage> {
  const { host, name, signal } = options;
  const address = parseEngineAddress(host);
  const answer = await callEngine(address, {
    method: "POST",
    path: "/images/load?quiet=1",
    headers: { "Content-Type": "application/x-tar" },
    body: toByteStream(image, signal),
    signal,
  });
  if (answer.statusCode !== 200) throw await engineError(answer, address);
  const loaded = readLoaded(await readMessage(answer), address);
  const id = loaded.startsWith("sha256:") ? loaded : (await inspectImage(address, loaded, signal)).id;
  if (name !== undefined) await tagImage(address, id, name, signal);
  return { id };
}

/** What the engine's answer, a stream of JSON objects, says that it has loaded: an ID or a name. */
function readLoaded(text: string, address: EngineAddress): string {
  let loaded: string | undefined;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    let message: { stream?: unknown; error?: unknown };
    try {
      message = JSON.parse(line) as typeof message;
    } catch (cause) {
      throw new NetworkError(
        ErrorCode.BAD_RESPONSE,
        "expected JSON from the Docker engine, found something else",
        {
          path: address.name,
          cause,
        },
      );
    }
    if (typeof message.error === "string") {
      throw new NetworkError(
        ErrorCode.BAD_RESPONSE,
        `the Docker engine does not take the image: ${message.error}`,
        {
          path: address.name,
        },
      );
    }
    loaded = /^Loaded image(?: ID)?: (\S+)/.exec(String(message.stream))?.[1] ?? loaded;
  }
  if (loaded !== undefined) return loaded;
  throw new NetworkError(
    ErrorCode.BAD_RESPONSE,
    "expected the Docker engine to name the loaded image, it did not",
    {
      path: address.name,
    },
  );
}

async function tagImage(
  address: EngineAddress,
  id: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  const repo = colon < 0 ? name : name.slice(0, colon);
  const tag = colon < 0 ? "latest" : name.slice(colon + 1);
  const path = `${imagePath(id, "tag")}?${new URLSearchParams({ repo, tag })}`;
  const answer = await callEngine(address, { method: "POST", path, signal });
  if (answer.statusCode !== 201) throw await engineError(answer, address);
  answer.resume();
}
