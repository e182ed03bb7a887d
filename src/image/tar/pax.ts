/** PAX extended headers (POSIX.1-2001 pax, "pax Extended Header"): records "length key=value\n", values kept as bytes. */
import { ErrorCode, ImageError } from "../../errors.ts";
import { decodeBinary, encodeBinary } from "./text.ts";

/** One record. The key is a binary string; order matters, since GNU's sparse format 0.0 repeats keys. */
export interface PaxRecord {
  key: string;
  value: Uint8Array;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/**
 * The records of an extended header.
 *
 * @param offset - where the bytes lie in their archive, for errors.
 * @throws {@link ImageError} `BAD_TAR_HEADER` when they are no records.
 */
export function parsePaxRecords(bytes: Uint8Array, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  const bad = (at: number, what: string) =>
    new ImageError(ErrorCode.BAD_TAR_HEADER, `PAX record: expected ${what}`, { offset: offset + at });
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    let i = at;
    for (; i < bytes.length && bytes[i] !== SPACE; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9 || i - at > 9) throw bad(at, "its length in decimal digits");
      length = length * 10 + digit;
    }
    const end = at + length;
    if (end > bytes.length || end <= i + 1)
      throw bad(at, `a length inside its header, found ${length} of ${bytes.length - at}`);
    if (bytes[end - 1] !== NEWLINE) throw bad(at, "a line feed at its end");
    const equals = bytes.subarray(0, end).indexOf(EQUALS, i + 1);
    if (equals <= i + 1) throw bad(at, 'a key and "="');
    records.push({
      key: decodeBinary(bytes.subarray(i + 1, equals)),
      value: bytes.slice(equals + 1, end - 1),
    });
    at = end;
  }
  return records;
}

/** Bytes of one record, its own length counted in. */
export function encodePaxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3; // the space, "=" and the line feed
  let length = rest + String(rest).length;
  // The digits may push the length over a power of ten.
  if (rest + String(length).length !== length) length = rest + String(length).length;
  const out = new Uint8Array(length);
  const head = encodeBinary(`${length} ${key}=`);
  out.set(head);
  out.set(value, head.length);
  out[length - 1] = NEWLINE;
  return out;
}

/** Decimal seconds, maybe negative, maybe with a fraction, of which nanoseconds are kept. */
export interface PaxTime {
  seconds: number;
  nanoseconds: number;
}

/** The time that a PAX value stands for, or `undefined` when it is none. The fraction counts up from `seconds`. */
export function parsePaxTime(value: string): PaxTime | undefined {
  const parts = /^(-?)(\d+)(?:\.(\d*))?$/.exec(value);
  if (parts === null) return undefined;
  const whole = Number(parts[2]);
  const fraction = Number((parts[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (!Number.isSafeInteger(whole)) return undefined;
  if (parts[1] === "") return { seconds: whole, nanoseconds: fraction };
  return fraction === 0
    ? { seconds: whole === 0 ? 0 : -whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

/** The shortest decimal form of a time; the inverse of {@link parsePaxTime}. */
export function formatPaxTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  const negative = seconds < 0;
  const whole = negative ? -(seconds + 1) : seconds;
  const fraction = negative ? 1_000_000_000 - nanoseconds : nanoseconds;
  return `${negative ? "-" : ""}${whole}.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`;
}
