/**
 * Add residual bytes to basis bytes in place, modulo 256: what a DIFF op does.
 *
 * @param bytes - holds the basis bytes from `at` on, and the target's afterwards.
 */
export function addResidual(
  bytes: Uint8Array,
  at: number,
  residual: Uint8Array,
  residualAt: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) bytes[at + i]! += residual[residualAt + i]!;
}
