/**
 * What other people's tools make of images, as one call each.
 *
 * @module
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./tools.ts";

/** Copy an image from one form to another: names as skopeo takes them. */
export function copyImage(from: string, to: string): void {
  run("skopeo", ["copy", "--quiet", from, to]);
}

/**
 * Unpack an image of an OCI layout as root.
 *
 * @returns the folder that holds the root file system.
 */
export function unpackWithUmoci(layout: string, tag: string, bundle: string): string {
  run("umoci", ["unpack", "--image", `${layout}:${tag}`, bundle]);
  return join(bundle, "rootfs");
}

/** The config JSON of the one image of an OCI layout. */
export function readConfig(layout: string): Buffer {
  const readBlob = (digest: string): Buffer => readFileSync(join(layout, "blobs", ...digest.split(":")));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const manifest = JSON.parse(readBlob(index.manifests[0].digest).toString());
  return readBlob(manifest.config.digest);
}

/**
 * Extract the layer of a flat image with GNU tar, as root.
 *
 * @returns `folder`.
 */
export function extractFlatLayer(flat: string, folder: string): string {
  const readMember = (name: string): Buffer => run("tar", ["-xOf", flat, name]);
  const manifest = JSON.parse(readMember("manifest.json").toString()) as { Layers: string[] }[];
  const layers = manifest[0]?.Layers ?? [];
  if (layers.length !== 1) throw new Error(`expected one layer in ${flat}, found ${layers.length}`);
  const outer = `${folder}.outer`;
  mkdirSync(outer);
  run("tar", ["-xf", flat, "-C", outer]);
  mkdirSync(folder);
  // Not "-x --xattrs" alone: without a pattern GNU tar restores the names of user.* only.
  const keepAll = ["--xattrs", "--xattrs-include=*", "--same-owner", "-p", "--numeric-owner"];
  run("tar", ["-x", ...keepAll, "-f", join(outer, layers[0]!), "-C", folder]);
  return folder;
}
