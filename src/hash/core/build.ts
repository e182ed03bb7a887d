/**
 * Build the WASM core: compile `assembly/` and embed the binary in `generated.ts`.
 *
 * The compiler is pinned by the lock file and the embedded text holds nothing but the binary, so the same sources give
 * the same file on any machine.
 */
import { writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { embedWasm } from "./embed.ts";

const folder = dirname(fileURLToPath(import.meta.url));

let binary: Uint8Array | undefined;
const { error, stderr } = await asc.main(
  [
    "index.ts",
    ...["--baseDir", join(folder, "assembly")],
    ...["--outFile", "core.wasm"],
    ...["--runtime", "stub"],
    ...["--enable", "simd,bulk-memory"],
    ...["--initialMemory", "8"],
    "-O3",
    "--noAssert",
  ],
  {
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = contents as Uint8Array;
    },
  },
);
if (error !== null || binary === undefined) {
  process.stderr.write(stderr.toString());
  throw error ?? new Error("the compiler wrote no binary");
}
const output = join(folder, "generated.ts");
await writeFile(output, embedWasm(binary));
process.stdout.write(`${relative(process.cwd(), output)}: ${binary.length} bytes of WASM\n`);
