/**
 * One image in every form that it can come in gives the same flat bytes.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashFile } from "../../bench/digest.ts";
import type { Check, CheckContext } from "./checks.ts";
import { expectEqual } from "./checks.ts";
import { copyImage, readConfig } from "./images.ts";
import { flatdelta, PAIR, run } from "./tools.ts";

async function checkForms(context: CheckContext): Promise<void> {
  for (const image of context.images) {
    const work = join(context.work, image.name);
    run("mkdir", [work]);
    const archive = join(work, "oci.tar");
    copyImage(`oci:${image.layout}:${image.tag}`, `oci-archive:${archive}:${image.tag}`);
    const dockerArchive = join(work, "docker.tar");
    copyImage(`oci:${image.layout}:${image.tag}`, `docker-archive:${dockerArchive}:test/${image.name}:1`);
    const config = join(work, "config.json");
    writeFileSync(config, readConfig(image.layout));
    const names = [
      `oci:${image.layout}:${image.tag}`,
      image.layout,
      `oci-archive:${archive}:${image.tag}`,
      archive,
      `docker-archive:${dockerArchive}`,
      dockerArchive,
      `rootfs:${image.tree}:${config}`,
    ];
    let expected: string | undefined;
    for (const [index, name] of names.entries()) {
      const flat = join(work, `${index}.flat`);
      flatdelta("flatten", name, "-o", flat);
      const sha256 = await hashFile(flat);
      expected ??= sha256;
      expectEqual(sha256, expected, `SHA-256 of the flat image of ${name}, against ${names[0]}`);
    }
  }
}

async function checkFlatIsFixedPoint({ images, work }: CheckContext): Promise<void> {
  for (const image of images) {
    const [once, twice] = [join(work, `${image.name}.once`), join(work, `${image.name}.twice`)];
    flatdelta("flatten", `oci:${image.layout}:${image.tag}`, "-o", once);
    for (const name of [once, `oci-archive:${once}`, `docker-archive:${once}`]) {
      flatdelta("flatten", name, "-o", twice, "--force");
      expectEqual(await hashFile(twice), await hashFile(once), `SHA-256 of the flat image of ${name}`);
    }
  }
}

async function checkFixtureForms({ images, work }: CheckContext): Promise<void> {
  for (const side of ["old", "new"]) {
    const image = images.find(({ name }) => name === side)!;
    const [direct, copied] = [join(work, `${side}.direct`), join(work, `${side}.copied`)];
    flatdelta("flatten", join(PAIR, `${side}.tar`), "-o", direct);
    flatdelta("flatten", `oci:${image.layout}:${image.tag}`, "-o", copied);
    expectEqual(await hashFile(copied), await hashFile(direct), `${side}.tar and skopeo's copy of it`);
    expectEqual(readFileSync(direct).length > 0, true, `${side}.tar flattened is not empty`);
  }
}

export const FORM_CHECKS: readonly Check[] = [
  {
    claim: "the archives in fixtures and skopeo's copies of them flatten to the same bytes",
    run: checkFixtureForms,
  },
  {
    claim: "OCI layout, OCI archive, docker-archive and rootfs folder of one image flatten to the same bytes",
    run: checkForms,
  },
  { claim: "flattening a flat image changes nothing", run: checkFlatIsFixedPoint },
];
