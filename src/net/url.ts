/**
 * Check where a request is to go.
 *
 * @throws TypeError for what is no URL of http or https, and for one with user and password in it.
 */
export function parseUrl(url: string | URL): URL {
  const parsed = new URL(url);
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:")
    throw new TypeError(`expected a URL of http or https, got ${parsed.protocol}`);
  if (parsed.username !== "" || parsed.password !== "")
    throw new TypeError("expected a URL without user and password; send them in a header");
  return parsed;
}

/** A URL fit to be shown: what may be secret in it (user, password, query) is left out. */
export function showUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return String(url);
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
