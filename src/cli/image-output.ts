import { fileScratch } from "../io/node.ts";
import { textOption } from "./arguments.ts";
import type { OptionValues } from "./command.ts";
import { checkUsage, UsageError } from "./exit-code.ts";
import { type Output, openOutput } from "./output-file.ts";

/**
 * Where a command puts an image: a file, as {@link openOutput} has it, or with `-o docker-daemon:NAME` the Docker engine of
 * `DOCKER_HOST`. The engine gets it when it is complete and proven; until then it is in the folder of `--tmp`.
 */
export async function openImageOutput(values: OptionValues): Promise<Output> {
  const name = textOption(values, "output");
  if (name?.startsWith("docker-daemon:") !== true) return openOutput(values);
  const { parseImageName } = await import("../image/index.ts");
  const image = checkUsage(() => parseImageName(name)).path;
  if (values.resume === true)
    throw new UsageError("expected --resume with a file behind -o, got docker-daemon:");
  const scratch = fileScratch(textOption(values, "tmp"));
  return {
    path: name,
    write: async (fill, signal) => {
      const { loadEngineImage } = await import("../engine/index.ts");
      const file = await scratch();
      try {
        const result = await fill(file);
        await loadEngineImage(await file.finish(), { name: image, signal });
        return result;
      } finally {
        await file.release();
      }
    },
  };
}
