/**
 * The token service of the distribution project, as a thread: signs what it is asked for, for those who know the password.
 *
 * @module
 */
import { createSign } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";
import { TOKEN_ISSUER } from "./token-issuer.ts";

const LIFETIME_SECONDS = 300;

/** What the thread is told first. */
export interface TokenServiceSettings {
  /** Files of the key and of its certificate. */
  key: string;
  certificate: string;
  /** NAME:PASSWORD in base64, as HTTP's basic authentication has it. */
  login: string;
}

const [{ key, certificate, login }] = (await once(parentPort!, "message")) as [TokenServiceSettings];
const privateKey = readFileSync(key);
const der = readFileSync(certificate, "utf8").replace(/-----[^-]+-----|\s/g, "");
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function sign(audience: string | null, scopes: readonly string[]): string {
  const access = scopes.map((scope) => {
    const [type, name, actions = ""] = scope.split(":");
    return { type, name, actions: actions.split(",") };
  });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: TOKEN_ISSUER, sub: "device", aud: audience, jti: String(now), access };
  const times = { iat: now - 10, nbf: now - 10, exp: now + LIFETIME_SECONDS };
  const text = `${encode({ typ: "JWT", alg: "RS256", x5c: [der] })}.${encode({ ...claims, ...times })}`;
  return `${text}.${createSign("sha256").update(text).sign(privateKey).toString("base64url")}`;
}

const server = createServer((request, response) => {
  const query = new URL(request.url!, "http://tokens").searchParams;
  if (request.headers.authorization !== `Basic ${login}`) {
    response.writeHead(401);
    response.end();
    return;
  }
  const token = sign(query.get("service"), query.getAll("scope"));
  response.end(JSON.stringify({ token, expires_in: LIFETIME_SECONDS }));
});
server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as { port: number }).port));
