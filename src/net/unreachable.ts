import { ErrorCode, NetworkError } from "../errors.ts";
import { showUrl } from "./url.ts";

// OpenSSL's names for certificates that are not trusted: asking again changes nothing.
const CERTIFICATE = /^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The innermost error: `fetch` wraps what happened in one that says only that it failed. */
function findCause(error: unknown): { code?: string; message?: string } {
  let found = (error ?? {}) as { code?: string; message?: string; cause?: unknown; errors?: unknown[] };
  for (let depth = 0; depth < 5; depth++) {
    const inner = found.cause ?? found.errors?.[0];
    if (typeof inner !== "object" || inner === null) break;
    found = inner;
  }
  return found;
}

/**
 * The error for a connection that could not be made or broke.
 *
 * @param mayRepeat - whether the request may be sent again although the server may have carried it out.
 */
export function unreachable(error: unknown, url: string | URL, what: string, mayRepeat = true): NetworkError {
  const { code, message } = findCause(error);
  const isCertificate = CERTIFICATE.test(code ?? "");
  const advice = isCertificate ? "; the server's certificate is not trusted" : "";
  return new NetworkError(ErrorCode.UNREACHABLE, `${what}: ${code ?? message ?? String(error)}${advice}`, {
    path: showUrl(url),
    isRetryable: mayRepeat && !isCertificate,
    cause: error,
  });
}
