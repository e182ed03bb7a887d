/**
 * Build the WASM modules: compile each `assembly/` and embed its binary in `generated.ts` beside it.
 *
 * The compiler is pinned by the lock file and the embedded text holds nothing but the binary, so the same sources give
 * the same file on any machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { embedWasm } from "./embed.ts";

interface WasmModule {
  /** Folder that holds `assembly/` and gets `generated.ts`, from `src/` on. */
  folder: string;
  /** Memory of an instance, in pages of 64 KiB. */
  memoryPages: number;
  /** Whether the memory is one that instances on several threads share: then it is given to each. */
  isShared?: boolean;
}

const MODULES: readonly WasmModule[] = [
  { folder: "hash/core", memoryPages: 8 },
  { folder: "codec/mix", memoryPages: 79 },
  { folder: "codec/lz", memoryPages: 36 },
  { folder: "codec/ops", memoryPages: 97 },
  { folder: "codec/text", memoryPages: 191 },
  { folder: "interop/librsync/kernel", memoryPages: 5 },
  { folder: "apply/kernel", memoryPages: 1 },
  { folder: "match/kernel", memoryPages: 1 },
  { folder: "match/kernel", memoryPages: 1, isShared: true },
];

const sourceRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

async function compile({ folder, memoryPages, isShared = false }: WasmModule): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "index.ts",
      ...["--baseDir", join(sourceRoot, folder, "assembly")],
      ...["--outFile", "core.wasm"],
      ...["--runtime", "stub"],
      ...["--enable", isShared ? "simd,bulk-memory,threads" : "simd,bulk-memory"],
      ...(isShared ? ["--importMemory", "--sharedMemory", "--maximumMemory", "65536"] : []),
      ...["--initialMemory", `${memoryPages}`],
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
  return binary;
}

for (const module of MODULES) {
  const binary = await compile(module);
  const output = join(sourceRoot, module.folder, module.isShared ? "shared" : "", "generated.ts");
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, embedWasm(binary));
  process.stdout.write(`${relative(process.cwd(), output)}: ${binary.length} bytes of WASM\n`);
}
