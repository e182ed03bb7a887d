import { readSync } from "node:fs";
import { ErrorCode, FormatError } from "../errors.ts";
import { checkRange, type Source } from "./source.ts";

/**
 * A source over a file that another thread of the process holds open, for a thread that does nothing but read it: each read
 * is done before the call returns.
 *
 * @param descriptor - the file's, `FileSource.descriptor`.
 */
export function descriptorSource(descriptor: number, size: number): Source {
  const readAll = (offset: number, into: Uint8Array): void => {
    checkRange(size, offset, into.length);
    for (let done = 0; done < into.length; ) {
      const bytesRead = readSync(descriptor, into, done, into.length - done, offset + done);
      if (bytesRead === 0) {
        throw new FormatError(
          ErrorCode.TRUNCATED,
          `expected ${into.length - done} more bytes, the file ends`,
          { offset: offset + done },
        );
      }
      done += bytesRead;
    }
  };
  return { size, read: async (offset, into) => readAll(offset, into), readSync: readAll };
}
