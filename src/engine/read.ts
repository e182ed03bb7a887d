import type { Image } from "../image/index.ts";
import { type ReadImageStreamOptions, readImageStream } from "../image/node.ts";
import { callEngine, engineError, parseEngineAddress } from "./connection.ts";
import { inspectImage } from "./inspect.ts";

/** Options of {@link readEngineImage}. */
export interface ReadEngineOptions extends Omit<ReadImageStreamOptions, "transport" | "reference"> {
  /** Where the engine listens, as `DOCKER_HOST` has it, which is the default: `unix:///var/run/docker.sock` without one. */
  host?: string | undefined;
}

/**
 * Read an image out of a Docker engine, by its name (`app:1`) or ID. What the engine sends goes to scratch space as it
 * arrives, and stays there until the image is closed.
 *
 * @throws ImageError `IMAGE_NOT_FOUND` and as `readImageStream`; NetworkError `UNREACHABLE`, `HTTP_STATUS`,
 * `BAD_RESPONSE`; UnsupportedError for an engine on another machine.
 *
 * @example
 * ```ts
 * const image = await readEngineImage("app:1");
 * const flat = await flattenImage(image);
 * ```
 */
export async function readEngineImage(name: string, options: ReadEngineOptions = {}): Promise<Image> {
  const { host, ...reading } = options;
  const address = parseEngineAddress(host);
  // By its ID it is this one image, whatever name is given to which image meanwhile.
  const { id, tags } = await inspectImage(address, name, options.signal);
  const answer = await callEngine(address, {
    method: "GET",
    path: `/images/get?names=${encodeURIComponent(id)}`,
    signal: options.signal,
  });
  if (answer.statusCode !== 200) throw await engineError(answer, address);
  const image = await readImageStream(answer, reading);
  return { ...image, references: tags.length > 0 ? tags : [name] };
}
