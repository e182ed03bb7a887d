import { ByteWriter } from "../../bytes/index.ts";
import { AddressCache } from "./address-cache.ts";
import { adler32 } from "./adler32.ts";
import { findCode, findPairCode, type Instruction, InstructionKind } from "./code-table.ts";
import { WindowFlag } from "./format.ts";
import { integerBytes, putInteger } from "./integer.ts";

/** The part of the basis that a window copies from. */
export interface SourceSegment {
  readonly offset: number;
  readonly length: number;
}

/** Writes one window (RFC 3284, section 4.2): its instructions in the order of the target, then `finish`. */
export class WindowWriter {
  readonly #segment: SourceSegment;
  readonly #data = new ByteWriter();
  readonly #instructions = new ByteWriter();
  readonly #addresses = new ByteWriter();
  readonly #cache = new AddressCache();
  /** An instruction that may share a code with the next one. */
  #pending: Instruction | undefined;
  #targetBytes = 0;

  /** @param segment - of no length when the window copies nothing from the basis. */
  constructor(segment: SourceSegment) {
    this.#segment = segment;
  }

  /** The next bytes of the target are new. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#data.bytes(bytes);
    this.#put({ kind: InstructionKind.ADD, size: bytes.length, mode: 0 });
  }

  /** The next bytes are in the basis at `basisOffset`, inside the segment. */
  copyBasis(basisOffset: number, length: number): void {
    this.#copy(basisOffset - this.#segment.offset, length);
  }

  /** The next bytes are in the window at `windowOffset`, where they may begin to be made just now. */
  copyWindow(windowOffset: number, length: number): void {
    this.#copy(this.#segment.length + windowOffset, length);
  }

  #copy(address: number, size: number): void {
    const mode = this.#cache.write(this.#addresses, address, this.#segment.length + this.#targetBytes);
    this.#put({ kind: InstructionKind.COPY, size, mode });
  }

  #put(instruction: Instruction): void {
    this.#targetBytes += instruction.size;
    const pair = this.#pending && findPairCode(this.#pending, instruction);
    if (pair === undefined) {
      this.#putPending();
      this.#pending = instruction;
    } else {
      this.#instructions.u8(pair);
      this.#pending = undefined;
    }
  }

  #putPending(): void {
    if (this.#pending === undefined) return;
    const { code, hasSize } = findCode(this.#pending);
    this.#instructions.u8(code);
    if (!hasSize) putInteger(this.#instructions, this.#pending.size);
  }

  /**
   * The window as it stands in the file.
   *
   * @param target - the target window, for its checksum.
   */
  finish(target: Uint8Array): Uint8Array {
    this.#putPending();
    const sections = [this.#data, this.#instructions, this.#addresses];
    const out = new ByteWriter(64 + sections.reduce((sum, { length }) => sum + length, 0));
    const { offset, length } = this.#segment;
    out.u8(WindowFlag.ADLER32 | (length > 0 ? WindowFlag.SOURCE : 0));
    if (length > 0) {
      putInteger(out, length);
      putInteger(out, offset);
    }
    const checksum = adler32(target);
    const sizes = [target.length, ...sections.map((section) => section.length)];
    // Behind the sizes, a byte that says which sections are compressed, and the checksum.
    const headBytes = sizes.reduce((sum, size) => sum + integerBytes(size), 0) + 1 + 4;
    putInteger(out, headBytes + sections.reduce((sum, section) => sum + section.length, 0));
    putInteger(out, target.length);
    out.u8(0);
    for (const section of sections) putInteger(out, section.length);
    for (let shift = 24; shift >= 0; shift -= 8) out.u8((checksum >>> shift) & 0xff);
    for (const section of sections) out.bytes(section.view());
    return out.view();
  }
}
