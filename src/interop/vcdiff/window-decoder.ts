import { copyBytes } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import type { PagedSource } from "../../io/index.ts";
import { AddressCache } from "./address-cache.ts";
import { CODE_TABLE, InstructionKind } from "./code-table.ts";
import { SectionReader } from "./integer.ts";
import type { CodedVcdiffWindow } from "./reader.ts";

/** What the instructions of a VCDIFF file do. */
export interface VcdiffTotals {
  /** Bytes that COPY instructions take from basis or target. */
  copiedBytes: number;
  /** Bytes that ADD instructions take from the file. */
  literalBytes: number;
  /** Bytes that RUN instructions repeat. */
  runBytes: number;
  instructionCount: number;
}

/** Totals of nothing. */
export function zeroVcdiffTotals(): VcdiffTotals {
  return { copiedBytes: 0, literalBytes: 0, runBytes: 0, instructionCount: 0 };
}

/**
 * Carry out the instructions of a window (RFC 3284, section 5).
 *
 * @param segments - what the window's source segment is a part of; nothing for a window that has none.
 * @param target - is filled with the target window, and has its size.
 * @param totals - are added to.
 * @throws {@link FormatError} `CORRUPT_BODY` when sections, sizes and addresses contradict each other.
 */
export async function decodeWindow(
  window: CodedVcdiffWindow,
  segments: PagedSource | undefined,
  target: Uint8Array,
  totals: VcdiffTotals,
): Promise<void> {
  const data = new SectionReader(window.data, "data");
  const instructions = new SectionReader(window.instructions, "instructions");
  const addresses = new SectionReader(window.addresses, "addresses");
  const segment = window.source ?? { offset: 0, length: 0 };
  const cache = new AddressCache();
  let at = 0;

  while (instructions.remaining > 0) {
    for (const { kind, size: given, mode } of CODE_TABLE[instructions.u8()]!) {
      if (kind === InstructionKind.NOOP) continue;
      const size = given === 0 ? instructions.integer() : given;
      if (size > target.length - at) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `VCDIFF: expected instructions for ${target.length} bytes, found more in the window`,
          { offset: window.offset },
        );
      }
      totals.instructionCount++;
      if (kind === InstructionKind.ADD) {
        copyBytes(data.bytes(size), 0, target, at, size);
        totals.literalBytes += size;
      } else if (kind === InstructionKind.RUN) {
        target.fill(data.u8(), at, at + size);
        totals.runBytes += size;
      } else {
        const address = cache.read(addresses, mode, segment.length + at);
        const inSegment = Math.max(0, Math.min(size, segment.length - address));
        if (inSegment > 0 && !segments!.tryRead(segment.offset + address, target, at, inSegment))
          await segments!.read(segment.offset + address, target.subarray(at, at + inSegment));
        repeat(target, address + inSegment - segment.length, at + inSegment, size - inSegment);
        totals.copiedBytes += size;
      }
      at += size;
    }
  }
  if (at !== target.length || data.remaining > 0 || addresses.remaining > 0) {
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      `VCDIFF: expected instructions for ${target.length} bytes that use up their sections, found some for ${at}`,
      { offset: window.offset },
    );
  }
}

/** Copy inside the target, byte by byte where source and destination overlap: short patterns repeat that way. */
function repeat(target: Uint8Array, from: number, to: number, length: number): void {
  if (length === 0) return;
  if (from + length <= to) target.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i++) target[to + i] = target[from + i]!;
}
