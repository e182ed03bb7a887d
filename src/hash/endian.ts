import { ErrorCode, UnsupportedError } from "../errors.ts";

/**
 * Check that typed arrays are little-endian, as WASM memory and the files are, so that hashes need no conversion.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export function checkLittleEndian(): void {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] === 1) return;
  throw new UnsupportedError(
    ErrorCode.UNSUPPORTED_FEATURE,
    "expected a little-endian machine, found a big-endian one, on which block hashes cannot be computed",
  );
}
