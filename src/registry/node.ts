/**
 * What of the registry client needs Node: the credentials that `docker login` keeps.
 *
 * @module
 */
export { type DockerCredentialOptions, dockerCredentials } from "./docker-config.ts";
