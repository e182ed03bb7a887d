import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ErrorCode, NetworkError, UnsupportedError } from "../errors.ts";
import type { ByteStream } from "../io/index.ts";

/** Where a Docker engine listens. */
export interface EngineAddress {
  /** For people: as `DOCKER_HOST` has it. */
  name: string;
  target: Pick<RequestOptions, "socketPath" | "host" | "port">;
}

const DEFAULT_HOST = "unix:///var/run/docker.sock";
const MESSAGE_LIMIT_BYTES = 1 << 20;

/**
 * Parse the address of an engine as `DOCKER_HOST` has it: `unix:///path`, or `tcp://127.0.0.1:2375` on this machine.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` for others: without TLS, whoever listens in on the network would
 * command the engine.
 */
export function parseEngineAddress(text = process.env.DOCKER_HOST || DEFAULT_HOST): EngineAddress {
  const path = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { name: text, target: { socketPath: path } };
  const [, host, port] = /^tcp:\/\/(localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})\/?$/.exec(text) ?? [];
  if (host !== undefined)
    return { name: text, target: { host: host.replace(/[[\]]/g, ""), port: Number(port) } };
  throw new UnsupportedError(
    ErrorCode.UNSUPPORTED_FEATURE,
    `expected the address of a Docker engine on this machine (unix:///… or tcp://127.0.0.1:PORT), found ${JSON.stringify(text)}`,
  );
}

/** A request to an engine. */
export interface EngineRequest {
  method: "GET" | "POST";
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: ByteStream | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Send a request to an engine, the body as it is made, and return the head of its answer; the body is to be read or
 * destroyed.
 *
 * @throws {@link NetworkError} `UNREACHABLE`; the error of the body that is sent; the signal's reason.
 */
export async function callEngine(address: EngineAddress, call: EngineRequest): Promise<IncomingMessage> {
  const { method, path, headers = {}, body, signal } = call;
  signal?.throwIfAborted();
  const sending = request({
    ...address.target,
    method,
    path,
    headers: { Host: "docker", ...headers },
    signal,
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sending.on("response", resolve);
    sending.on("error", reject);
  });
  // Met below; until then what is sent may fail first.
  answer.catch(() => {});
  if (body === undefined) sending.end();
  else await sendBody(body, sending);
  try {
    return await answer;
  } catch (error) {
    signal?.throwIfAborted();
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    const advice = code === "EACCES" ? "this user may not use it" : "is it running?";
    throw new NetworkError(ErrorCode.UNREACHABLE, `the Docker engine cannot be reached: ${code}; ${advice}`, {
      path: address.name,
      isRetryable: true,
      cause: error,
    });
  }
}

/** Send a body. Only its own errors are thrown: of those of the connection the answer tells. */
async function sendBody(body: ByteStream, sending: ClientRequest): Promise<void> {
  let failure: { error: unknown } | undefined;
  const items = body[Symbol.asyncIterator]();
  async function nextPiece(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await items.next();
      // Copies, since a piece is valid only until the next one is asked for.
      return done === true ? undefined : value.slice();
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  async function* pieces() {
    try {
      // Node 22 throws the connection's error in here, at `yield`.
      for (let piece = await nextPiece(); piece !== undefined; piece = await nextPiece()) yield piece;
    } finally {
      await items.return?.();
    }
  }
  // A body that fails takes the connection with it: the engine must not take a part for the whole.
  await pipeline(Readable.from(pieces(), { objectMode: false }), sending).catch(() => {});
  if (failure !== undefined) throw failure.error;
}

/** The whole body of an answer as text, which engines keep short. */
export async function readMessage(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer) {
    length += (part as Buffer).length;
    if (length > MESSAGE_LIMIT_BYTES) {
      throw new NetworkError(
        ErrorCode.BAD_RESPONSE,
        `expected an answer of at most ${MESSAGE_LIMIT_BYTES} bytes from the Docker engine, found more`,
      );
    }
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The error for an answer with a status that is no success; engines say in words why. */
export async function engineError(answer: IncomingMessage, address: EngineAddress): Promise<NetworkError> {
  const text = await readMessage(answer).catch(() => "");
  let said = text;
  try {
    said = String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    // As it stands, then.
  }
  const code = answer.statusCode === 404 ? ErrorCode.NOT_FOUND : ErrorCode.HTTP_STATUS;
  return new NetworkError(
    code,
    `the Docker engine refused (HTTP ${answer.statusCode}): ${said.trim().slice(0, 300)}`,
    {
      path: address.name,
      status: answer.statusCode,
    },
  );
}
