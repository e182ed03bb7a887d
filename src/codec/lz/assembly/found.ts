// Matches on their way from an instance that finds them to one that parses: so two threads share an encoder's work. A record
// for each place, in order: how many matches there are (u8), then length (u16) and distance (u32) of each, the shortest first.
import { BLOCK, FOUND, FOUND_CHUNK_BYTES, MATCHES } from "./encoder-memory";
import { findMatches, insertUpTo, matchLimit } from "./finder";
import { position } from "./model";

const RECORD_BYTES: usize = 6;

/** The longest match that a parser asks for. */
const MAX_LENGTH: u32 = 4097;

/** Where the next record is written or read, and where what is known ends. */
let at: usize = FOUND;
let end: usize = FOUND;
/** The place of the next record, and the one behind the last that is known. */
let place: u32 = 0;
let knownTo: u32 = 0;

let largestRecord: usize = 0;

/** Prepare either side; returns how much the parser's area holds: what a block may need, and a chunk behind it. */
export function prepareFound(depth: u32): usize {
  largestRecord = 1 + matchLimit(depth) * RECORD_BYTES;
  return FOUND_CHUNK_BYTES + <usize>BLOCK * largestRecord + 64;
}

/** The finder: begin at this place. What is before it is inserted when the next is looked for. */
export function startFinding(from: u32): void {
  place = from;
}

/** Find the matches of the next places, up to `to` or as many as fit into a chunk; returns its bytes, which are at FOUND. */
export function findChunk(to: u32): u32 {
  const last = FOUND + FOUND_CHUNK_BYTES - largestRecord;
  at = FOUND;
  insertUpTo(place, to);
  while (place != to && at <= last) {
    const count = findMatches(place, min(to - place, MAX_LENGTH));
    store<u8>(at++, count);
    for (let i: u32 = 0; i < count; i++) {
      const match = MATCHES + (<usize>i << 3);
      store<u16>(at, load<u16>(match));
      store<u32>(at, load<u32>(match, 4), 2);
      at += RECORD_BYTES;
    }
    place++;
  }
  return <u32>(at - FOUND);
}

/** The place behind the last that `findChunk` looked at. */
export function getFoundPlace(): u32 {
  return place;
}

@inline
function skipTo(wanted: u32): void {
  while (place != wanted) {
    at += 1 + <usize>load<u8>(at) * RECORD_BYTES;
    place++;
  }
}

/** The parser: whether the records for the next block are not all there yet. */
@inline
export function needsFound(pieceEnd: u32): bool {
  return <i32>(position + min(pieceEnd - position, BLOCK) - knownTo) > 0;
}

/** Make room for another chunk, behind what is left; returns where it is to be put. */
export function makeFoundRoom(): usize {
  skipTo(<i32>(position - knownTo) < 0 ? position : knownTo);
  memory.copy(FOUND, at, end - at);
  end = FOUND + (end - at);
  at = FOUND;
  return end;
}

/** A chunk of so many bytes was put there; it holds the records of the places up to `to`. */
export function addFound(bytes: u32, to: u32): void {
  end += bytes;
  knownTo = to;
}

/** Begin to read records, at the place where history ends. */
export function startReading(from: u32): void {
  place = from;
  knownTo = from;
}

/** List the matches at `wanted` as `findMatches` does, from its record. */
export function readMatches(wanted: u32): u32 {
  skipTo(wanted);
  const count = <u32>load<u8>(at++);
  for (let i: u32 = 0; i < count; i++) {
    const match = MATCHES + (<usize>i << 3);
    store<u32>(match, load<u16>(at));
    store<u32>(match, load<u32>(at, 2), 4);
    at += RECORD_BYTES;
  }
  place++;
  return count;
}
