/**
 * Add residual bytes to basis bytes in place, modulo 256: what a DIFF op does.
 *
 * @param target - holds the basis bytes, and the target's afterwards.
 */
export function addResidual(target: Uint8Array, residual: Uint8Array, residualOffset: number): void {
  for (let i = 0, j = residualOffset; i < target.length; i++, j++) target[i] = target[i]! + residual[j]!;
}
