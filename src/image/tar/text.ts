/**
 * Names in tar files are bytes. They are kept as binary strings, one UTF-16 unit from 0 to 255 for each byte: such
 * strings compare as their bytes do, serve as map keys, and lose nothing when a name is no UTF-8.
 */

// `fromCharCode` takes its characters as arguments, of which the stack holds only so many.
const SLICE_BYTES = 4096;

// `apply` takes a typed array as it is and is several times faster than spreading one.
function decodeSlice(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** The binary string of some bytes. */
export function decodeBinary(bytes: Uint8Array): string {
  if (bytes.length <= SLICE_BYTES) return decodeSlice(bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    text += decodeSlice(bytes.subarray(at, at + SLICE_BYTES));
  }
  return text;
}

/** Write the bytes of a binary string at `offset`. The caller makes sure that they fit. */
export function putBinary(out: Uint8Array, offset: number, text: string): void {
  for (let i = 0; i < text.length; i++) out[offset + i] = text.charCodeAt(i);
}

/** The bytes of a binary string. */
export function encodeBinary(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  putBinary(bytes, 0, text);
  return bytes;
}

/** Whether the bytes of a binary string are valid UTF-8. */
export function isUtf8(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole ASCII range is meant.
  if (/^[\x00-\x7f]*$/.test(text)) return true;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encodeBinary(text));
    return true;
  } catch {
    return false;
  }
}

/** The text of a name for people: its UTF-8 if it is any, else the binary string itself. Shortened to 200 characters. */
export function showName(name: string): string {
  const text = isUtf8(name) ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(encodeBinary(name)) : name;
  return text.length <= 200 ? text : `${text.slice(0, 197)}...`;
}

/** A path as spans have it: of folders without the slash behind it. */
export function trimPath(name: string): string {
  if (name === "./") return "";
  return name.endsWith("/") ? name.slice(0, -1) : name;
}
