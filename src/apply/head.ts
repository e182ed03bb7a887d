import { concatBytes, EMPTY_BYTES, encodeUtf8, toHex } from "../bytes/index.ts";
import { type DeltaHeader, type EnvelopeHeader, givenConfigBytes } from "../delta/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { ENVELOPE_END_BYTES, encodeEnvelopeHead } from "../transform/index.ts";
import { MemoryOutput } from "./output.ts";

/** Holds back the config of a flat image while ops make it, and computes the image's head from it. */
export class HeadOutput extends MemoryOutput {
  /** The head, once it was computed. */
  made: Uint8Array | undefined;
  readonly #envelope: EnvelopeHeader;
  readonly #layerBytes: number;

  constructor(envelope: EnvelopeHeader, { targetBytes }: DeltaHeader) {
    super(new Uint8Array(givenConfigBytes(envelope)));
    this.#envelope = envelope;
    this.#layerBytes = targetBytes - envelope.headBytes - ENVELOPE_END_BYTES;
  }

  /**
   * The head, once there is no room left.
   *
   * @throws {@link FormatError} `CORRUPT_BODY` when it has another length than the delta says.
   */
  complete(): Uint8Array {
    const { digestOffset, layerSha256, entryCount, headBytes } = this.#envelope;
    const hex = toHex(layerSha256);
    const config = concatBytes([
      this.buffer.subarray(0, digestOffset),
      encodeUtf8(hex),
      this.buffer.subarray(digestOffset),
    ]);
    const layer = { digest: `sha256:${hex}`, sizeBytes: this.#layerBytes, entryCount };
    const head = this.#layerBytes < 0 ? EMPTY_BYTES : encodeEnvelopeHead(config, layer);
    if (head.length !== headBytes) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `delta: expected an image whose head has ${headBytes} bytes, made one of ${head.length}`,
      );
    }
    this.made = head;
    return head;
  }
}
