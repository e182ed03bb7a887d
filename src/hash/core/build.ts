/**
 * Build the WASM modules: compile each `assembly/` and embed its binary in `generated.ts` beside it.
 *
 * The compiler is pinned by the lock file and the embedded text holds nothing but the binary, so the same sources give
 * the same file on any machine.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { embedWasm } from "./embed.ts";

interface WasmModule {
  /** Folder that holds `assembly/` and gets `generated.ts`, from `src/` on. */
  folder: string;
  /** Memory of an instance, in pages of 64 KiB. */
  memoryPages: number;
  /** Whether an instance is given its memory: that of one before it. */
  takesMemory?: boolean;
  /** Whether it is given one that instances on several threads share. */
  isShared?: boolean;
}

const MODULES: readonly WasmModule[] = [
  { folder: "hash/core", memoryPages: 8 },
  { folder: "codec/mix", memoryPages: 79, takesMemory: true },
  { folder: "codec/lz", memoryPages: 36, takesMemory: true },
  { folder: "codec/ops", memoryPages: 97, takesMemory: true },
  { folder: "codec/text", memoryPages: 191, takesMemory: true },
  { folder: "codec/sparse", memoryPages: 1, takesMemory: true },
  { folder: "interop/librsync/kernel", memoryPages: 5 },
  { folder: "apply/kernel", memoryPages: 1, takesMemory: true },
  { folder: "transform/entry-scan", memoryPages: 7 },
  { folder: "match/kernel", memoryPages: 1 },
  { folder: "match/kernel", memoryPages: 1, isShared: true },
];

const sourceRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The compiler's arguments for a module. */
function compilerOptions(module: WasmModule, outFile: string): string[] {
  const { folder, memoryPages, isShared = false, takesMemory = isShared } = module;
  return [
    "index.ts",
    ...["--baseDir", join(sourceRoot, folder, "assembly")],
    ...["--outFile", outFile],
    ...["--runtime", "stub"],
    ...["--enable", isShared ? "simd,bulk-memory,threads" : "simd,bulk-memory"],
    ...(takesMemory ? ["--importMemory"] : []),
    ...(isShared ? ["--sharedMemory", "--maximumMemory", "65536"] : []),
    ...["--initialMemory", `${memoryPages}`],
    "-O3",
    "--noAssert",
  ];
}

const binaries = await mkdtemp(join(tmpdir(), "flatdelta-core-"));
try {
  const outFiles = MODULES.map((_, index) => join(binaries, `${index}.wasm`));
  const options = MODULES.map((module, index) => compilerOptions(module, outFiles[index]!));
  const compiler = fileURLToPath(new URL("compiler.mjs", import.meta.url));
  execFileSync(process.execPath, [compiler, JSON.stringify(options)], { stdio: "inherit" });
  for (const [index, module] of MODULES.entries()) {
    const binary = await readFile(outFiles[index]!);
    const output = join(sourceRoot, module.folder, module.isShared ? "shared" : "", "generated.ts");
    await mkdir(dirname(output), { recursive: true });
    await writeFile(output, embedWasm(binary));
    process.stdout.write(`${relative(process.cwd(), output)}: ${binary.length} bytes of WASM\n`);
  }
} finally {
  await rm(binaries, { recursive: true });
}
