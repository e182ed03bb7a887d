import { ErrorCode, FormatError } from "../../errors.ts";

/** How weak hashes are made: `rollsum`, that of rsync and of librsync before 2.2, or `rabinkarp`, librsync's since then. */
export type RdiffWeakHash = "rollsum" | "rabinkarp";

/** How strong hashes are made: `md4`, of 16 bytes, or `blake2b`, of 32. */
export type RdiffStrongHash = "md4" | "blake2b";

/** The hashes of a signature. */
export interface RdiffHashes {
  readonly weakHash: RdiffWeakHash;
  readonly strongHash: RdiffStrongHash;
}

/** Bytes of a whole strong hash; signatures may keep only the first of them. */
export const STRONG_HASH_BYTES: Readonly<Record<RdiffStrongHash, number>> = { md4: 16, blake2b: 32 };

/** Bytes of a weak hash. */
export const WEAK_HASH_BYTES = 4;

/** Bytes of magic, block length and strong hash length. */
export const SIGNATURE_HEADER_BYTES = 12;

/** First four bytes of a delta, big-endian. */
export const DELTA_MAGIC = 0x72730236;

const SIGNATURE_MAGIC = 0x72730100;
const WEAK_CODES: readonly (readonly [RdiffWeakHash, number])[] = [
  ["rollsum", 0x30],
  ["rabinkarp", 0x40],
];
const STRONG_CODES: readonly (readonly [RdiffStrongHash, number])[] = [
  ["md4", 6],
  ["blake2b", 7],
];

/** First four bytes of a signature with these hashes, big-endian. */
export function signatureMagic({ weakHash, strongHash }: RdiffHashes): number {
  const code = <Name>(codes: readonly (readonly [Name, number])[], wanted: Name): number =>
    codes.find(([name]) => name === wanted)![1];
  return SIGNATURE_MAGIC + code(WEAK_CODES, weakHash) + code(STRONG_CODES, strongHash);
}

/**
 * The hashes that a signature's first four bytes name.
 *
 * @throws {@link FormatError} `BAD_MAGIC` when it is no signature.
 */
export function hashesOfMagic(magic: number): RdiffHashes {
  for (const [weakHash] of WEAK_CODES) {
    for (const [strongHash] of STRONG_CODES) {
      if (signatureMagic({ weakHash, strongHash }) === magic) return { weakHash, strongHash };
    }
  }
  throw new FormatError(ErrorCode.BAD_MAGIC, "expected a signature of rdiff, found another kind of file", {
    offset: 0,
    actual: magic.toString(16).padStart(8, "0"),
  });
}

/** The codes of a delta's ops. */
export const OpCode = {
  END: 0x00,
  /** Up to here the code is the length of a literal. */
  LAST_SHORT_LITERAL: 0x40,
  /** A literal whose length follows in 1, 2, 4 or 8 bytes. */
  FIRST_LITERAL: 0x41,
  /** A copy whose start and length follow in 1, 2, 4 or 8 bytes each, the size of the start changing last. */
  FIRST_COPY: 0x45,
  LAST_COPY: 0x54,
} as const;

/** Sizes of the integers that follow an op's code. */
export const INTEGER_BYTES = [1, 2, 4, 8] as const;
