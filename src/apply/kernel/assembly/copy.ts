// A call of `memory.copy` takes as long as copying a kilobyte here.
const LONG_COPY_BYTES: usize = 1024;

/** Copy bytes; up to 15 more may be copied behind them. */
@inline
export function copyBytes(to: usize, from: usize, length: usize): void {
  if (length >= LONG_COPY_BYTES) {
    memory.copy(to, from, length);
    return;
  }
  for (const end = to + length; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
}

/** Put the sums of bytes, modulo 256; up to 15 more behind them. */
@inline
export function addBytes(to: usize, a: usize, b: usize, length: usize): void {
  for (const end = to + length; to < end; to += 16, a += 16, b += 16) {
    v128.store(to, i8x16.add(v128.load(a), v128.load(b)));
  }
}

/** Repeat a byte; up to 15 times more. */
@inline
export function repeatByte(to: usize, byte: u8, length: usize): void {
  if (length >= LONG_COPY_BYTES) {
    memory.fill(to, byte, length);
    return;
  }
  const bytes = i8x16.splat(byte);
  for (const end = to + length; to < end; to += 16) v128.store(to, bytes);
}

/** Add bytes to others, modulo 256. */
export function addTo(to: usize, from: usize, length: usize): void {
  const end = to + length;
  const vectorsEnd = to + (length & ~15);
  for (; to < vectorsEnd; to += 16, from += 16) v128.store(to, i8x16.add(v128.load(to), v128.load(from)));
  for (; to < end; to++, from++) store<u8>(to, load<u8>(to) + load<u8>(from));
}
