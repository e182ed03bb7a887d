import { ErrorCode, UnsupportedError } from "../errors.ts";

/** Whether typed arrays are little-endian, as WASM memory is. */
export function isLittleEndian(): boolean {
  return new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
}

/**
 * Check that typed arrays are little-endian, as WASM memory and the files are, so that hashes need no conversion.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export function checkLittleEndian(): void {
  if (isLittleEndian()) return;
  throw new UnsupportedError(
    ErrorCode.UNSUPPORTED_FEATURE,
    "expected a little-endian machine, found a big-endian one, on which block hashes cannot be computed",
  );
}
