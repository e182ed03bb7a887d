/** What a registry is shown: a name and password, or a token that tokens are got for (of `docker login` with a browser). */
export type Credentials = { username: string; password: string } | { identityToken: string };

/**
 * Finds the credentials for a registry, by its host as references have it (`docker.io` for Docker Hub); `undefined` for
 * none. It is asked when a registry wants any, and may be asked more than once.
 */
export type CredentialSource = (host: string) => Promise<Credentials | undefined>;

/** The value of an `Authorization` header for a name and password (RFC 7617). */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
