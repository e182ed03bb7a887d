import type { ByteReader, ByteWriter } from "../bytes/index.ts";
import { HEADER_FLAGS_LIMIT, HEADER_TEXTS, HeaderFlag } from "./format.ts";

/** A text field of a tar header with some bytes replaced by others. */
export interface TextSplice {
  /** Index in `HEADER_TEXTS`. */
  text: number;
  keptBytes: number;
  removedBytes: number;
  /** How many bytes come from the data stream. */
  insertedBytes: number;
}

/** What a HEADER op changes in a tar header beside moving its time. */
export interface HeaderChange {
  sizeDelta: number;
  /** The time that the header gets; undefined when its own is moved by the op's `timeShift`. */
  time: number | undefined;
  /** In the order of `HEADER_TEXTS`, at most one for each. */
  splices: readonly TextSplice[];
}

/** The times that the next HEADER or TOUCH is likely to use. */
export interface TimeState {
  /** The last shift of a TOUCH or HEADER. */
  timeShift: number;
  /** The last time that a HEADER named. */
  time: number;
}

/** Bytes of the data stream that a change takes. */
export function insertedBytes(change: HeaderChange | undefined): number {
  let bytes = 0;
  for (const splice of change?.splices ?? []) bytes += splice.insertedBytes;
  return bytes;
}

/** The flags of a change: which of its fields are written. */
export function headerFlags(change: HeaderChange, timeShift: number, state: TimeState): number {
  const { sizeDelta, time, splices } = change;
  let flags = 0;
  if (sizeDelta !== 0) flags += HeaderFlag.SIZE;
  if (time !== undefined) flags += HeaderFlag.ABSOLUTE_TIME;
  if (time === undefined ? timeShift !== state.timeShift : time !== state.time) flags += HeaderFlag.TIME;
  for (const { text } of splices) flags += HEADER_TEXTS[text]!.flag;
  return flags;
}

const has = (flags: number, flag: number): boolean => Math.floor(flags / flag) % 2 === 1;

/** Append the fields of a change, and move `state` on. */
export function encodeHeaderChange(
  out: ByteWriter,
  change: HeaderChange,
  timeShift: number,
  state: TimeState,
): void {
  const { sizeDelta, time, splices } = change;
  if (sizeDelta !== 0) out.signedVarint(sizeDelta);
  const timeStep = time === undefined ? timeShift - state.timeShift : time - state.time;
  if (timeStep !== 0) out.signedVarint(timeStep);
  if (time === undefined) state.timeShift = timeShift;
  else state.time = time;
  for (const { keptBytes, removedBytes, insertedBytes } of splices) {
    out.varint(keptBytes);
    out.varint(removedBytes);
    out.varint(insertedBytes);
  }
}

/**
 * Read the fields of a change, and move `state` on. Whether it fits the header that it is for, the applier sees.
 *
 * @throws {@link FormatError} `CORRUPT_BODY`.
 */
export function decodeHeaderChange(reader: ByteReader, flags: number, state: TimeState): HeaderChange {
  if (flags >= HEADER_FLAGS_LIMIT) throw reader.corrupt(`a HEADER op with flags ${flags}`);
  const sizeDelta = has(flags, HeaderFlag.SIZE) ? reader.signedVarint() : 0;
  const timeStep = has(flags, HeaderFlag.TIME) ? reader.signedVarint() : 0;
  let time: number | undefined;
  if (has(flags, HeaderFlag.ABSOLUTE_TIME)) {
    state.time += timeStep;
    time = state.time;
  } else state.timeShift += timeStep;
  const splices: TextSplice[] = [];
  for (const [text, { flag, bytes }] of HEADER_TEXTS.entries()) {
    if (!has(flags, flag)) continue;
    const [keptBytes, removedBytes, insertedBytes] = [reader.varint(), reader.varint(), reader.varint()];
    if (keptBytes + removedBytes > bytes || keptBytes + insertedBytes > bytes) {
      throw reader.corrupt(
        `a HEADER op keeps ${keptBytes}, removes ${removedBytes} and inserts ${insertedBytes} of ${bytes} bytes`,
      );
    }
    splices.push({ text, keptBytes, removedBytes, insertedBytes });
  }
  return { sizeDelta, time, splices };
}
