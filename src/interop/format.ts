import { encodeUtf8 } from "../bytes/index.ts";
import { BSDIFF40_MAGIC, ENDSLEY_MAGIC } from "./bsdiff/format.ts";
import { VCDIFF_MAGIC } from "./vcdiff/format.ts";

/** The tools whose formats are read or written, as `--format` names them. */
export type PeerFormat = "rdiff" | "vcdiff" | "bsdiff" | "balena";

/** A file of another tool, as its first bytes tell it. */
export interface PeerFile {
  readonly format: PeerFormat;
  readonly kind: "signature" | "delta";
}

interface Magic extends PeerFile {
  readonly bytes: Uint8Array;
}

/** How many bytes {@link recognisePeerFile} looks at. */
export const PEER_HEAD_BYTES = 8;

const MAGICS: readonly Magic[] = [
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x36) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x37) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x46) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x47) },
  { format: "rdiff", kind: "delta", bytes: Uint8Array.of(0x72, 0x73, 0x02, 0x36) },
  { format: "vcdiff", kind: "delta", bytes: VCDIFF_MAGIC },
  { format: "bsdiff", kind: "delta", bytes: encodeUtf8(BSDIFF40_MAGIC) },
  // The rest of its magic, and other versions, are for its reader to tell.
  { format: "bsdiff", kind: "delta", bytes: encodeUtf8(ENDSLEY_MAGIC.slice(0, PEER_HEAD_BYTES)) },
];

/**
 * Tell whose file begins with these bytes.
 *
 * @param head - the first {@link PEER_HEAD_BYTES}, or all when the file has fewer.
 * @returns nothing for a file of no tool that is known here, and for balenaEngine's delta images, which begin as every archive:
 * see {@link isBalenaDelta}.
 */
export function recognisePeerFile(head: Uint8Array): PeerFile | undefined {
  const found = MAGICS.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte));
  return found && { format: found.format, kind: found.kind };
}
