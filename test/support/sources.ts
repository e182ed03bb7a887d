/** Sources for tests. */
import type { Source } from "../../src/io/index.ts";

/** A source whose bytes are not at hand. */
export function withoutReadSync({ size, read }: Source): Source {
  return { size, read };
}
