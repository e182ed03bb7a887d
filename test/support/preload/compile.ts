import { readdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TransformOptions, transform } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const OPTIONS = {
  loader: "ts",
  format: "esm",
  target: "node20.19",
  sourcemap: "inline",
  sourcesContent: false,
} satisfies TransformOptions;

/**
 * Compile all sources and tests, once for the many processes of a run.
 *
 * @returns a new folder that holds what each became, at its path. The caller removes it.
 */
export async function compileProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-compiled-"));
  // Tests run programs as other users.
  await chmod(folder, 0o755);
  const paths = ["src", "test"].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !/\bassembly\b/u.test(dirname(path)))
      .map((path) => join(part, path)),
  );
  await Promise.all(
    paths.map(async (path) => {
      const sourcefile = join(root, path);
      const { code } = await transform(await readFile(sourcefile, "utf8"), { ...OPTIONS, sourcefile });
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), code);
    }),
  );
  return folder;
}
