import type { ByteInput } from "../../io/index.ts";
import { VcdiffReader, type VcdiffReaderOptions } from "./reader.ts";

/** What a VCDIFF file says of itself. */
export interface VcdiffInfo {
  /** `LZMA`, `DJW`, `FGK`; `null` when sections are as they are. */
  secondaryCompressor: string | null;
  /** Windows that the secondary compressor has been at; the others can be applied. */
  compressedWindowCount: number;
  /** The application header as UTF-8 text, where there is one: xdelta3 keeps file names in it. */
  applicationHeader: string | null;
  deltaBytes: number;
  targetBytes: number;
  /** The least size of a basis: where the last source segment ends. */
  leastBasisBytes: number;
  windowCount: number;
  /** Size of the largest target window. */
  windowBytes: number;
  /** Bytes of the target whose windows have checksums. */
  checkedBytes: number;
  /** Whether windows copy from target windows before them. */
  copiesFromTarget: boolean;
  /** Bytes of the sections of all windows. */
  sections: { data: number; instructions: number; addresses: number };
}

/**
 * Read a VCDIFF file to its end, without a basis. Lengths are checked, instructions not.
 *
 * @throws {@link FormatError}, {@link UnsupportedError}, {@link LimitError} as applying would, but not for compressed sections.
 */
export async function inspectVcdiff(
  delta: ByteInput,
  options: VcdiffReaderOptions = {},
): Promise<VcdiffInfo> {
  const reader = await VcdiffReader.open(delta, options);
  const { secondaryCompressor, applicationHeader } = reader.header;
  const info: VcdiffInfo = {
    secondaryCompressor: secondaryCompressor ?? null,
    compressedWindowCount: 0,
    applicationHeader: applicationHeader === undefined ? null : new TextDecoder().decode(applicationHeader),
    deltaBytes: 0,
    targetBytes: 0,
    leastBasisBytes: 0,
    windowCount: 0,
    windowBytes: 0,
    checkedBytes: 0,
    copiesFromTarget: false,
    sections: { data: 0, instructions: 0, addresses: 0 },
  };
  try {
    for await (const { source, targetBytes, adler32, isCompressed, ...sections } of reader.windows()) {
      info.targetBytes += targetBytes;
      info.windowBytes = Math.max(info.windowBytes, targetBytes);
      if (isCompressed) info.compressedWindowCount++;
      if (adler32 !== undefined) info.checkedBytes += targetBytes;
      if (source?.of === "target") info.copiesFromTarget = true;
      else if (source !== undefined)
        info.leastBasisBytes = Math.max(info.leastBasisBytes, source.offset + source.length);
      info.sections.data += sections.data.length;
      info.sections.instructions += sections.instructions.length;
      info.sections.addresses += sections.addresses.length;
    }
    return { ...info, deltaBytes: reader.position, windowCount: reader.windowCount };
  } finally {
    await reader.close();
  }
}
