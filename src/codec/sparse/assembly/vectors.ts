// What these write too far is written again: a run begins where the zeros end, zeros where a run does, and runs follow each other.

@inline
export function putZeros(at: usize, length: usize): void {
  const zeros = i8x16.splat(0);
  for (const end = at + length; at < end; at += 16) v128.store(at, zeros);
}

@inline
export function putRun(at: usize, from: usize, length: usize): void {
  for (const end = at + length; at < end; at += 16, from += 16) v128.store(at, v128.load(from));
}
