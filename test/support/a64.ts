/** A64's instructions that refer to places, from the Arm Architecture Reference Manual. */

/** BL from one address to another. */
export const branch = (from: number, to: number): number =>
  (0x94000000 | (((to - from) >> 2) & 0x3ffffff)) >>> 0;

/** ADRP of the page of `to`. */
export function page(register: number, from: number, to: number): number {
  const pages = (to >> 12) - (from >> 12);
  return (0x90000000 | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5) | register) >>> 0;
}

/** What adds to a page: ADD, and LDR of 8 and of 16 bytes. */
export const USERS = [
  { code: 0x91000000, unit: 0 },
  { code: 0xf9400000, unit: 3 },
  { code: 0x3dc00000, unit: 4 },
] as const;

/** One of {@link USERS}, adding what `to` has beyond its page. */
export const inPage = ({ code, unit }: (typeof USERS)[number], register: number, to: number): number =>
  (code | (((to & 4095) >> unit) << 10) | (register << 5)) >>> 0;
