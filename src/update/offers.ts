import { ErrorCode, NetworkError } from "../errors.ts";
import { isDigest } from "../image/digest.ts";
import type { DeltaAnswer, DeltaOffer, Digest, Release } from "./source.ts";

/**
 * Check that deltas lead from what is there to what is wanted, before anything is downloaded.
 *
 * @throws {@link NetworkError} `BAD_RESPONSE`.
 */
export function checkAnswer({ hops }: DeltaAnswer, basisDigest: Digest, release: Release): void {
  let at = basisDigest;
  for (const hop of hops) {
    checkShape(hop);
    if (hop.basisDigest !== at) throw badOffer(`a delta from ${at}`, `one from ${hop.basisDigest}`);
    at = hop.targetDigest;
  }
  const { flatDigest } = release;
  if (hops.length > 0 && flatDigest !== undefined && at !== flatDigest)
    throw badOffer(`deltas that lead to ${flatDigest}`, `some that lead to ${at}`);
}

function checkShape({ basisDigest, targetDigest, deltaDigest, deltaBytes }: DeltaOffer): void {
  for (const digest of [basisDigest, targetDigest, deltaDigest]) {
    if (!isDigest(digest)) throw badOffer("sha256: and 64 hexadecimal digits", JSON.stringify(digest));
  }
  if (!Number.isSafeInteger(deltaBytes) || deltaBytes <= 0)
    throw badOffer("a delta's size in bytes", JSON.stringify(deltaBytes));
}

function badOffer(expected: string, actual: string): NetworkError {
  return new NetworkError(ErrorCode.BAD_RESPONSE, `expected ${expected}, the server offers ${actual}`, {
    expected,
    actual,
  });
}
