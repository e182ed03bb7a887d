import type { ResidualSpans } from "../../src/codec/index.ts";

export interface Segment {
  residual: Uint8Array;
  basis: Uint8Array;
  /** Where these bytes stand. */
  spans?: ResidualSpans;
}

/** Numbers that look random and are always the same (xorshift32). */
export function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Code-like basis bytes with 32-bit numbers among them that moved by one of a few distances. */
export function syntheticSegment(bytes: number, seed: number): Segment {
  const next = noise(seed);
  const basis = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++)
    basis[i] = next() % 3 === 0 ? next() : [0x48, 0x8b, 0x0f, 0xe8, 0][next() % 5]!;
  const target = basis.slice();
  const view = new DataView(target.buffer);
  for (let at = 5; at + 4 <= bytes; at += 8 + (next() % 48)) {
    view.setUint32(at, view.getUint32(at, true) + [0x720, 0x1f, -0x40, 0x11230][next() % 4]!, true);
  }
  return { basis, residual: target.map((byte, i) => byte - basis[i]!) };
}

/** Spans of up to `longest` bytes, anywhere in basis and target. */
export function syntheticSpans(bytes: number, longest: number, seed: number): ResidualSpans {
  const next = noise(seed);
  const spans: number[] = [];
  for (let at = 0; at < bytes; ) {
    const length = Math.min(bytes - at, 1 + (next() % longest));
    spans.push(length, next(), next());
    at += length;
  }
  return Uint32Array.from(spans);
}
