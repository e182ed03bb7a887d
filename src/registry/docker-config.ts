import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ErrorCode, NetworkError } from "../errors.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";

/** Where {@link dockerCredentials} looks. */
export interface DockerCredentialOptions {
  /** A `config.json` (or podman's `auth.json`) instead of that of the environment. It must be there. */
  path?: string | undefined;
  /** The process' own by default. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

// The name under which `docker login` keeps Docker Hub's credentials.
const HUB_KEY = "https://index.docker.io/v1/";
const HELPER_TIMEOUT_MS = 30_000;
// What credential helpers answer for a registry that they know nothing of.
const UNKNOWN_TO_HELPER = /credentials not found/i;
/** The user name by which a helper says that the secret is an identity token. */
const TOKEN_USER = "<token>";

/**
 * The credentials that `docker login`, `podman login` and `skopeo login` keep: from the file that `REGISTRY_AUTH_FILE` names, else
 * from `config.json` in the folder `DOCKER_CONFIG`, else in `~/.docker`; for a registry that a credential helper is set
 * for, or all when there is a `credsStore`, from that program (`docker-credential-NAME get`).
 *
 * The source throws {@link NetworkError} `UNAUTHORIZED` when the file cannot be read or the helper fails.
 */
export function dockerCredentials({
  path,
  env = process.env,
}: DockerCredentialOptions = {}): CredentialSource {
  return async (host) => {
    const file = path ?? findConfig(env);
    const config = await readConfig(file, path !== undefined);
    const helper = config.credHelpers?.[host] ?? config.credsStore;
    if (helper !== undefined && helper !== "") return askHelper(helper, host, env);
    return findAuth(config.auths ?? {}, host, file);
  };
}

function findConfig(env: Readonly<Record<string, string | undefined>>): string {
  return (
    env.REGISTRY_AUTH_FILE || join(env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker"), "config.json")
  );
}

function refuse(message: string, path: string, cause?: unknown): NetworkError {
  return new NetworkError(ErrorCode.UNAUTHORIZED, message, { path, cause });
}

async function readConfig(path: string, isNeeded: boolean): Promise<DockerConfig> {
  try {
    const config = JSON.parse(await readFile(path, "utf8")) as DockerConfig | null;
    if (typeof config === "object" && config !== null) return config;
  } catch (error) {
    if (!isNeeded && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw refuse("the registries' credentials cannot be read; log in again", path, error);
  }
  throw refuse("expected a JSON object with the registries' credentials, found something else", path);
}

/** Keys are hosts, in old files URLs. */
function hostOfKey(key: string): string {
  return key === HUB_KEY ? "docker.io" : key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function findAuth(
  auths: NonNullable<DockerConfig["auths"]>,
  host: string,
  path: string,
): Credentials | undefined {
  const found = Object.entries(auths).find(([key]) => hostOfKey(key) === host)?.[1];
  if (found === undefined) return undefined;
  if (found.identitytoken) return { identityToken: found.identitytoken };
  if (found.username) return { username: found.username, password: found.password ?? "" };
  if (!found.auth) return undefined;
  const text = Buffer.from(found.auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 1) throw refuse(`expected "name:password" in base64 for ${host}, found something else`, path);
  // Old versions of Docker fill the password up with zeros.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

/** Ask a credential helper (https://github.com/docker/docker-credential-helpers). */
async function askHelper(
  name: string,
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name))
    throw refuse("expected the name of a credential helper, found something else", name);
  const { code, output } = await runHelper(program, host === "docker.io" ? HUB_KEY : host, env);
  if (code !== 0) {
    if (UNKNOWN_TO_HELPER.test(output)) return undefined;
    throw refuse(`the credential helper ended with ${code}: ${output.trim().slice(0, 200)}`, program);
  }
  try {
    const { Username, Secret } = JSON.parse(output) as { Username?: unknown; Secret?: unknown };
    if (typeof Username === "string" && typeof Secret === "string")
      return Username === TOKEN_USER ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch {
    // Its output may hold the secret: not even the parser's words about it are told.
  }
  throw refuse("expected the credential helper to answer with Username and Secret, it did not", program);
}

function runHelper(
  program: string,
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number | string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], {
      env: { ...env },
      stdio: ["pipe", "pipe", "ignore"],
      signal: AbortSignal.timeout(HELPER_TIMEOUT_MS),
    });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.on("error", (error) => reject(refuse("the credential helper cannot be run", program, error)));
    child.on("close", (code, signal) =>
      resolve({ code: code ?? signal, output: Buffer.concat(parts).toString() }),
    );
    // One that does not read what it is asked says so by how it ends.
    child.stdin.on("error", () => {});
    child.stdin.end(host);
  });
}
