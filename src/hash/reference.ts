/**
 * The kernels of the hash core in plain TypeScript, each as its definition reads: the oracle of the tests and the
 * baseline of the benchmark. The library itself never uses them.
 *
 * @module
 */

const MULTIPLIER = 0x08104225;

/** The weak hash: RabinKarp as librsync defines it. 1, then hash · multiplier + byte mod 2^32. */
export function hashWindow(bytes: Uint8Array): number {
  let hash = 1;
  for (let i = 0; i < bytes.length; i++) hash = (Math.imul(hash, MULTIPLIER) + bytes[i]!) | 0;
  return hash >>> 0;
}

/** The weak hashes of the full blocks of `bytes` and of the short one behind them. */
export function hashBlocks(bytes: Uint8Array, blockBytes: number): Uint32Array {
  const hashes = new Uint32Array(Math.ceil(bytes.length / blockBytes));
  for (let i = 0; i < hashes.length; i++) {
    hashes[i] = hashWindow(bytes.subarray(i * blockBytes, (i + 1) * blockBytes));
  }
  return hashes;
}

/**
 * The positions of all windows inside `from` … `end` whose weak hash is one of `weakHashes`, found by rolling.
 *
 * The first byte of a window weighs multiplier^(blockBytes − 1), and the initial 1 weighs multiplier^blockBytes: both
 * leave when the window moves on.
 */
export function scanWindows(
  bytes: Uint8Array,
  from: number,
  end: number,
  blockBytes: number,
  weakHashes: ReadonlySet<number>,
): number[] {
  const found: number[] = [];
  let outWeight = 1;
  for (let i = 0; i < blockBytes; i++) outWeight = Math.imul(outWeight, MULTIPLIER);
  let hash = hashWindow(bytes.subarray(from, from + blockBytes));
  for (let at = from; at + blockBytes <= end; at++) {
    if (weakHashes.has(hash)) found.push(at);
    const out = Math.imul(outWeight, bytes[at]! + MULTIPLIER - 1);
    hash = (Math.imul(hash, MULTIPLIER) + (bytes[at + blockBytes] ?? 0) - out) >>> 0;
  }
  return found;
}

/** How many bytes from two offsets on are equal, up to `limit`. */
export function matchForward(
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
  limit = Infinity,
): number {
  const most = Math.min(limit, a.length - aOffset, b.length - bOffset);
  let equal = 0;
  while (equal < most && a[aOffset + equal] === b[bOffset + equal]) equal++;
  return equal;
}

/** How many bytes before two ends are equal, up to `limit`. */
export function matchBackward(
  a: Uint8Array,
  aEnd: number,
  b: Uint8Array,
  bEnd: number,
  limit = Infinity,
): number {
  const most = Math.min(limit, aEnd, bEnd);
  let equal = 0;
  while (equal < most && a[aEnd - 1 - equal] === b[bEnd - 1 - equal]) equal++;
  return equal;
}

/** Bytewise sum mod 256. */
export function addInto(basis: Uint8Array, residual: Uint8Array, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) out[i] = basis[i]! + residual[i]!;
}

/** Bytewise difference mod 256. */
export function subtractInto(target: Uint8Array, basis: Uint8Array, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) out[i] = target[i]! - basis[i]!;
}

/** The first run of at least `minimumLength` equal bytes inside `from` … `end`. */
export function findRun(
  bytes: Uint8Array,
  from: number,
  end: number,
  minimumLength: number,
): { offset: number; length: number } | undefined {
  for (let offset = from; offset < end; ) {
    let runEnd = offset + 1;
    while (runEnd < end && bytes[runEnd] === bytes[offset]) runEnd++;
    if (runEnd - offset >= minimumLength) return { offset, length: runEnd - offset };
    offset = runEnd;
  }
  return undefined;
}
