/** A registry in memory that keeps to the OCI distribution specification, with what real ones have or lack. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { hexOf, json, type LayoutBuilder } from "../image/build-image.ts";
import { type Handler, readBody, startServer } from "../support/http-server.ts";

export interface FakeOptions {
  /** Whether there is a referrers API, and how many it lists on a page. */
  referrersPageSize?: number | undefined;
  /** Comes before everything else; `true` when it has answered. */
  intercept?: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ) => boolean | Promise<boolean>;
}

interface StoredManifest {
  mediaType: string;
  bytes: Uint8Array;
}

export class FakeRegistry {
  readonly blobs = new Map<string, Uint8Array>();
  /** By repository and digest or tag: "app@sha256:…", "app:1". */
  readonly manifests = new Map<string, StoredManifest>();
  readonly uploads = new Map<string, Buffer>();
  readonly #options: FakeOptions;
  #uploadCount = 0;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  addManifest(repository: string, bytes: Uint8Array, mediaType: string, tag?: string): string {
    const digest = `sha256:${hexOf(bytes)}`;
    this.manifests.set(`${repository}@${digest}`, { mediaType, bytes });
    if (tag !== undefined) this.manifests.set(`${repository}:${tag}`, { mediaType, bytes });
    return digest;
  }

  /** Take over what a layout holds; the image or index gets the tag. */
  addLayout(repository: string, layout: LayoutBuilder, root: { digest: string }, tag: string): void {
    for (const [name, bytes] of layout.files) {
      const hex = /^blobs\/sha256\/(.*)$/.exec(name)?.[1];
      if (hex !== undefined) this.blobs.set(`${repository}@sha256:${hex}`, bytes);
    }
    for (const [name, bytes] of layout.files) {
      if (!name.startsWith("blobs/")) continue;
      const text = Buffer.from(bytes).toString("latin1");
      const mediaType = /^\{"schemaVersion":2,"mediaType":"([^"]+)"/.exec(text)?.[1];
      if (mediaType === undefined) continue;
      const isRoot = root.digest === `sha256:${hexOf(bytes)}`;
      this.addManifest(repository, bytes, mediaType, isRoot ? tag : undefined);
    }
  }

  readonly handle: Handler = async (request, response) => {
    const body = await readBody(request);
    if ((await this.#options.intercept?.(request, response, body)) === true) return;
    const url = new URL(request.url!, "http://registry");
    const [, repository, kind, name = ""] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (url.pathname === "/v2/") response.end("{}");
    else if (kind === "manifests") this.#manifest(request, response, body, repository!, name);
    else if (kind === "blobs") this.#blob(request, response, `${repository}@${name}`);
    else if (kind === "blobs/uploads") this.#upload(request, response, body, repository!, name, url);
    else if (kind === "referrers" && this.#options.referrersPageSize !== undefined)
      this.#referrers(response, repository!, name, url);
    else fail(response, 404, "PAGE_UNKNOWN");
  };

  #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    repository: string,
    name: string,
  ) {
    if (request.method === "PUT") {
      const mediaType = request.headers["content-type"]!;
      const digest = this.addManifest(repository, body, mediaType, name.includes(":") ? undefined : name);
      const subject = (JSON.parse(body.toString()) as { subject?: { digest: string } }).subject;
      const headers: Record<string, string> = { "docker-content-digest": digest };
      if (subject !== undefined && this.#options.referrersPageSize !== undefined)
        headers["oci-subject"] = subject.digest;
      response.writeHead(201, headers);
      return response.end();
    }
    const found = this.manifests.get(`${repository}${name.includes(":") ? "@" : ":"}${name}`);
    if (found === undefined) return fail(response, 404, "MANIFEST_UNKNOWN");
    const headers = {
      "content-type": found.mediaType,
      "docker-content-digest": `sha256:${hexOf(found.bytes)}`,
    };
    response.writeHead(200, headers);
    return response.end(found.bytes);
  }

  #blob(request: IncomingMessage, response: ServerResponse, key: string) {
    const blob = this.blobs.get(key);
    if (blob === undefined) return fail(response, 404, "BLOB_UNKNOWN");
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.statusCode = start > 0 ? 206 : 200;
    if (start > 0) response.setHeader("content-range", `bytes ${start}-${blob.length - 1}/${blob.length}`);
    response.setHeader("content-length", blob.length - start);
    return response.end(request.method === "HEAD" ? undefined : blob.subarray(start));
  }

  #upload(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    repository: string,
    id: string,
    url: URL,
  ) {
    const answer = (status: number, headers: Record<string, string> = {}) => {
      response.writeHead(status, headers);
      response.end();
    };
    if (request.method === "POST") {
      const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
      const mounted = this.blobs.get(`${from}@${mount}`);
      if (mount !== null && mounted !== undefined) {
        this.blobs.set(`${repository}@${mount}`, mounted);
        return answer(201);
      }
      const fresh = String(++this.#uploadCount);
      this.uploads.set(fresh, Buffer.alloc(0));
      return answer(202, { location: `/v2/${repository}/blobs/uploads/${fresh}?state=s` });
    }
    const before = this.uploads.get(id);
    if (before === undefined || url.searchParams.get("state") !== "s")
      return fail(response, 404, "BLOB_UPLOAD_UNKNOWN");
    const location = `/v2/${repository}/blobs/uploads/${id}?state=s`;
    const range = () => `0-${this.uploads.get(id)!.length - 1}`;
    if (request.method === "GET") return answer(204, { location, range: range() });
    if (request.method === "PATCH") {
      const start = Number(/^(\d+)-\d+$/.exec(request.headers["content-range"] ?? "")?.[1]);
      if (start !== before.length) return answer(416, { location, range: range() });
      this.uploads.set(id, Buffer.concat([before, body]));
      return answer(202, { location, range: range() });
    }
    const whole = Buffer.concat([before, body]);
    const digest = url.searchParams.get("digest");
    if (digest !== `sha256:${hexOf(whole)}`) return fail(response, 400, "DIGEST_INVALID");
    this.uploads.delete(id);
    this.blobs.set(`${repository}@${digest}`, new Uint8Array(whole));
    return answer(201);
  }

  #referrers(response: ServerResponse, repository: string, digest: string, url: URL) {
    const all: object[] = [];
    for (const [key, { mediaType, bytes }] of this.manifests) {
      if (!key.startsWith(`${repository}@`)) continue;
      const manifest = JSON.parse(Buffer.from(bytes).toString()) as Record<string, never>;
      if ((manifest.subject as { digest: string } | undefined)?.digest !== digest) continue;
      const { artifactType, annotations } = manifest;
      all.push({
        mediaType,
        digest: `sha256:${hexOf(bytes)}`,
        size: bytes.length,
        artifactType,
        annotations,
      });
    }
    const pageSize = this.#options.referrersPageSize!;
    const start = Number(url.searchParams.get("start") ?? 0);
    const headers: Record<string, string> = { "content-type": "application/vnd.oci.image.index.v1+json" };
    if (start + pageSize < all.length) {
      url.searchParams.set("start", String(start + pageSize));
      headers.link = `<${url.pathname}${url.search}>; rel="next"`;
    }
    response.writeHead(200, headers);
    response.end(json({ schemaVersion: 2, manifests: all.slice(start, start + pageSize) }));
  }
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
}

/** A registry, started for the length of a test. */
export async function startRegistry(context: TestContext, options: FakeOptions = {}) {
  const registry = new FakeRegistry(options);
  const { origin, log } = await startServer(context, registry.handle);
  return { registry, origin, log, host: origin.replace("http://", "") };
}
