/** The tools whose formats are read or written, as `--format` names them. */
export type PeerFormat = "rdiff";

/** A file of another tool, as its first bytes tell it. */
export interface PeerFile {
  readonly format: PeerFormat;
  readonly kind: "signature" | "delta";
}

interface Magic extends PeerFile {
  readonly bytes: Uint8Array;
}

const MAGICS: readonly Magic[] = [
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x36) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x37) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x46) },
  { format: "rdiff", kind: "signature", bytes: Uint8Array.of(0x72, 0x73, 0x01, 0x47) },
  { format: "rdiff", kind: "delta", bytes: Uint8Array.of(0x72, 0x73, 0x02, 0x36) },
];

/** How many bytes {@link recognisePeerFile} looks at. */
export const PEER_HEAD_BYTES = 8;

/**
 * Tell whose file begins with these bytes.
 *
 * @param head - the first {@link PEER_HEAD_BYTES}, or all when the file has fewer.
 * @returns nothing for a file of no tool that is known here.
 */
export function recognisePeerFile(head: Uint8Array): PeerFile | undefined {
  const found = MAGICS.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte));
  return found && { format: found.format, kind: found.kind };
}
