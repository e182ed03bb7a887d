import type { StorageFolder } from "../../io/index.ts";
import { Journal } from "./journal.ts";

/** An update of a target that was interrupted. */
export interface PendingUpdate {
  basisSha256: Uint8Array;
  targetBytes: number;
  targetSha256: Uint8Array;
  /** Whether it can go on without the delta. Until then the basis is as it was. */
  isPrepared: boolean;
}

/**
 * Whether a scratch folder holds an update that was interrupted.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_VERSION` for that of another version.
 */
export async function findPendingUpdate(scratch: StorageFolder): Promise<PendingUpdate | undefined> {
  const found = await Journal.open(scratch);
  if (found === undefined) return undefined;
  await found.journal.close();
  const { basisSha256, targetBytes, targetSha256 } = found.state.identity;
  return { basisSha256, targetBytes, targetSha256, isPrepared: found.state.prepared !== undefined };
}
