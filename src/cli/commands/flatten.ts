import { toHex } from "../../bytes/index.ts";
import { createSha256 } from "../../hash/index.ts";
import { scanSource } from "../../io/index.ts";
import { IMAGE_OPTIONS, OUTPUT_OPTIONS } from "../arguments.ts";
import type { Command } from "../command.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openFlatInput } from "../image-input.ts";
import { openImageOutput } from "../image-output.ts";

/** `flatdelta flatten`. */
export const flatten: Command = {
  operands: ["IMAGE"],
  description: `Merge the layers of IMAGE as a container runtime would and write the flat image: an image of one
uncompressed layer, byte for byte the same wherever and from whatever form it is made. It loads with docker
load, podman load, skopeo and umoci. Deltas are made between flat images. IMAGE may be - for an image archive
on standard input.`,
  options: { ...OUTPUT_OPTIONS, ...IMAGE_OPTIONS },
  examples: [
    ["what docker save writes", "docker save app:1 | flatdelta flatten - -o app.flat"],
    ["what docker save wrote", "flatdelta flatten app.tar -o app.flat"],
    [
      "an image in a registry, into the Docker engine",
      "flatdelta flatten docker://registry.example.com/app:2 -o docker-daemon:app:2",
    ],
    [
      "an OCI layout in a folder, the image named v2, for a Raspberry Pi",
      "flatdelta flatten oci:layout:v2 --platform linux/arm/v7 -o app.flat",
    ],
    [
      "an unpacked root file system with its image's config",
      "flatdelta flatten rootfs:/mnt/root:config.json -o app.flat",
    ],
  ],
  run: async ([name], context) => {
    const { signal, onProgress } = context;
    const output = await openImageOutput(context.values);
    const input = await openFlatInput(name!, context);
    try {
      const { flat, source } = input;
      const sha256 = createSha256();
      await output.write(async (sink) => {
        let doneBytes = 0;
        for await (const piece of scanSource(source, { signal })) {
          sha256.update(piece);
          await sink.write(piece);
          doneBytes += piece.length;
          onProgress?.({ phase: "write", doneBytes, totalBytes: source.size });
        }
      }, signal);
      const flatSha256 = toHex(sha256.digest());
      return {
        report: {
          flatBytes: source.size,
          flatSha256,
          layerDigest: flat.layerDigest,
          entryCount: flat.entryCount,
        },
        lines: [
          ["flat image", `${output.path}, ${formatBytes(source.size)}`],
          ["sha256", flatSha256],
          ["layer", `${flat.layerDigest}, ${formatCount(flat.entryCount)} entries`],
        ],
      };
    } finally {
      await input.close();
    }
  },
};
