/** Small images in every form, built in memory with tar-stream. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** Members of a tar in order: a file's bytes or text, or a whole tar-stream header with bytes. */
export type TarMember = readonly [name: string, content: Uint8Array | string, header?: Partial<Header>];

export async function buildTar(members: readonly TarMember[]): Promise<Uint8Array> {
  const packer = pack();
  for (const [name, content, header] of members) {
    packer.entry({ name, mtime: new Date(0), mode: 0o644, ...header }, Buffer.from(content));
  }
  packer.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of packer) parts.push(part as Uint8Array);
  return new Uint8Array(Buffer.concat(parts));
}

export const hexOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Two layers: the upper one replaces a file and hides another. */
export async function buildLayers(): Promise<Uint8Array[]> {
  return [
    await buildTar([
      ["etc/", "", { type: "directory", mode: 0o755 }],
      ["etc/motd", "hello"],
      ["etc/gone", "soon hidden"],
    ]),
    await buildTar([
      ["etc/motd", "hello again"],
      ["etc/.wh.gone", ""],
      ["bin", "", { type: "symlink", linkname: "usr/bin" }],
    ]),
  ];
}

export function buildConfig(layers: readonly Uint8Array[], more: object = {}): Uint8Array {
  return json({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${hexOf(layer)}`) },
    ...more,
  });
}

/** What an old `docker save` writes: a folder for each layer, shared ones as symlinks to another folder. */
export async function buildOldDockerArchive(
  layers: readonly Uint8Array[],
  options: { tags?: readonly string[]; linkType?: "symlink" | "link" } = {},
): Promise<Uint8Array> {
  const config = buildConfig(layers);
  const { tags = ["app:1"], linkType = "symlink" } = options;
  const members: TarMember[] = layers.map((layer, i) => [`store/${i}.tar`, layer]);
  const names = layers.map((_, i) => `${String(i).repeat(64)}/layer.tar`);
  for (const [i, name] of names.entries()) {
    const linkname = linkType === "symlink" ? `../store/${i}.tar` : `store/${i}.tar`;
    members.push([name, "", { type: linkType, linkname }]);
  }
  members.push([`${hexOf(config)}.json`, config]);
  members.push(["manifest.json", json([{ Config: `${hexOf(config)}.json`, RepoTags: tags, Layers: names }])]);
  return buildTar(members);
}

/** How an index or manifest names a blob. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** An OCI layout's files by name. */
export class LayoutBuilder {
  readonly files = new Map<string, Uint8Array>([["oci-layout", json({ imageLayoutVersion: "1.0.0" })]]);

  add(bytes: Uint8Array, mediaType: string, more: object = {}): Descriptor {
    this.files.set(`blobs/sha256/${hexOf(bytes)}`, bytes);
    return { mediaType, digest: `sha256:${hexOf(bytes)}`, size: bytes.length, ...more };
  }

  addManifest(
    layers: readonly Uint8Array[],
    more: object = {},
    options: { config?: object; stored?: readonly Uint8Array[]; docker?: boolean } = {},
  ): Descriptor {
    const { stored = layers, docker = false } = options;
    const types = docker
      ? [
          "docker.distribution.manifest.v2+json",
          "docker.container.image.v1+json",
          "docker.image.rootfs.diff.tar.gzip",
        ]
      : ["oci.image.manifest.v1+json", "oci.image.config.v1+json", "oci.image.layer.v1.tar+gzip"];
    const [manifestType, configType, layerType] = types.map((type) => `application/vnd.${type}`);
    const manifest = json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: this.add(buildConfig(layers, options.config), configType!),
      layers: stored.map((layer) => this.add(layer, layerType!)),
    });
    return this.add(manifest, manifestType!, more);
  }

  addIndex(manifests: readonly object[], more: object = {}): Descriptor {
    const type = "application/vnd.oci.image.index.v1+json";
    return this.add(json({ schemaVersion: 2, mediaType: type, manifests }), type, more);
  }

  finish(manifests: readonly object[]): this {
    this.files.set("index.json", json({ schemaVersion: 2, manifests }));
    return this;
  }

  tar(): Promise<Uint8Array> {
    return buildTar([...this.files]);
  }
}

export const named = (name: string): object => ({
  annotations: { "org.opencontainers.image.ref.name": name },
});

/** What Docker 25 and later write: an OCI layout and a `manifest.json` over the same blobs. */
export async function buildNewDockerArchive(
  layers: readonly Uint8Array[],
  gzip = false,
): Promise<Uint8Array> {
  const stored = gzip ? layers.map((layer) => new Uint8Array(gzipSync(layer))) : layers;
  const layout = new LayoutBuilder();
  layout.finish([
    layout.addManifest(
      layers,
      {
        annotations: {
          "io.containerd.image.name": "docker.io/library/app:1",
          "org.opencontainers.image.ref.name": "1",
        },
      },
      { stored },
    ),
  ]);
  const blob = (bytes: Uint8Array): string => `blobs/sha256/${hexOf(bytes)}`;
  layout.files.set(
    "manifest.json",
    json([{ Config: blob(buildConfig(layers)), RepoTags: ["app:1"], Layers: stored.map(blob) }]),
  );
  return layout.tar();
}
