import type { ResidualSpans } from "../../src/codec/index.ts";
import { branch, inPage, page, USERS } from "../support/a64.ts";

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

/**
 * A64 and A32 code that refers to a few places, each of which has moved by a distance of its own, in spans that have moved by others.
 * It begins at basis offset 0.
 */
export function armSegment(instructions: number, seed: number): Segment {
  const next = noise(seed);
  const places = Array.from({ length: 60 }, () => ({
    address: 0x10_0000 + (next() % 0x8_0000) * 16,
    move: [0, 16, 0x40, 0x1230, -0x2000, 0x3_0010][next() % 6]!,
  }));
  const basis = new Uint8Array(4 * instructions);
  const target = new Uint8Array(4 * instructions);
  const spans: number[] = [];
  let shift = 0;
  /** Each instruction twice: as it refers to a place from its address, before and after. */
  const put = (index: number, encode: (from: number, to: number) => number, to: (typeof places)[number]) => {
    const from = 4 * index;
    new DataView(basis.buffer).setUint32(from, encode(from, to.address), true);
    new DataView(target.buffer).setUint32(from, encode(from + shift, to.address + to.move), true);
  };
  for (let index = 0; index < instructions; ) {
    const first = index;
    shift = (next() % 1000) * 4;
    while (index < Math.min(instructions, first + 200)) {
      const place = places[next() % places.length]!;
      const register = next() % 32;
      const kind = next() % 8;
      const gap = next() % 4;
      if (kind === 0) put(index++, branch, place);
      else if (kind === 1)
        put(index++, (from, to) => (0xeb000000 | (((to - from) >> 2) & 0xffffff)) >>> 0, place);
      else if (kind < 4 && index + gap + 2 < instructions) {
        put(index++, (from, to) => page(register, from, to), place);
        for (let between = 0; between < gap; between++) put(index++, () => 0xaa0003e0 + between, place);
        const user = USERS[next() % USERS.length]!;
        put(index++, (_, to) => inPage(user, register, to), place);
      } else {
        const other = next();
        put(index++, () => other, place);
      }
    }
    spans.push(4 * (index - first), 4 * first, 4 * first + shift);
  }
  return { basis, residual: target.map((byte, i) => byte - basis[i]!), spans: Uint32Array.from(spans) };
}
