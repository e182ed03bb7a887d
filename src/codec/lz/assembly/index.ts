import { prepareNibbles, prepareWeightSets } from "../../assembly/nibble";
import { prepareMaps } from "../../assembly/prepare";
import { setCodedPosition, startCoder } from "../../assembly/shares";
import { makeTables } from "../../assembly/tables";
import { FOUND, FOUND_CHUNK_BYTES, KEPT } from "./encoder-memory";
import { setFinder, setFinderBase } from "./finder";
import { prepareFound } from "./found";
import {
  FLAG_WEIGHTS_END,
  LITERAL_SETS,
  MATCH_MAP_ROWS,
  MATCH_MAPS,
  MATCH_WEIGHTS_A,
  MODEL_END,
  REP_WEIGHTS,
  SETS_END,
} from "./memory";
import { byteAt, codeLiteral, keepLearned, passLiteral, position, setWindow, unlearn } from "./model";
import { forgetPrices, setParser, setParserBase } from "./parse";
import { makeCosts } from "./tables";

export { FOUND } from "./encoder-memory";
export { CODED } from "../../assembly/layout";
export { endByte, finishCoder, getCodedPosition, setCodedPosition, startCoder } from "../../assembly/shares";
export { CODED_BYTES, MODEL_END, PIECE_BYTES } from "./memory";
export { decodePiece } from "./decode";
export { addFound, findChunk, getFoundPlace, makeFoundRoom, startFinding, startReading } from "./found";
export { passStored } from "./model";
export { codePiece } from "./parse";

/** Weights begin at a quarter; where two are added, each at half of it. */
const FIRST_WEIGHT: i16 = 4096;

/** Prepare the model of a new instance, whose memory is zero. */
function prepareModel(): void {
  makeTables();
  prepareNibbles();
  prepareMaps(MATCH_MAPS, MATCH_MAP_ROWS);
  for (let at = MATCH_WEIGHTS_A; at < REP_WEIGHTS; at += 2) store<i16>(at, FIRST_WEIGHT / 2);
  for (let at = REP_WEIGHTS; at < FLAG_WEIGHTS_END; at += 2) store<i16>(at, FIRST_WEIGHT);
  prepareWeightSets(LITERAL_SETS, SETS_END);
}

/** Prepare a decoder, whose window is a ring of 2^bits bytes at MODEL_END. */
export function prepareDecoder(bits: u32): void {
  prepareModel();
  setWindow(MODEL_END, (1 << bits) - 1, 1 << bits);
}

/** Lay out a match finder from `start` on: hash table, tree and the buffer, whose first byte is position 0. */
function layFinder(start: usize, windowBits: u32, hashBits: u32, depth: u32, nice: u32): usize {
  const tree = start + (<usize>4 << hashBits);
  const buffer = tree + (<usize>8 << windowBits) + 64;
  setFinder(start, hashBits, tree, 1 << windowBits, depth, nice);
  moveBuffer(buffer, windowBits);
  return buffer;
}

/** Prepare a whole encoder; returns where its buffer begins. */
export function prepareEncoder(
  windowBits: u32,
  hashBits: u32,
  depth: u32,
  nice: u32,
  optimal: bool,
): usize {
  prepareModel();
  makeCosts();
  setParser(nice, optimal, false);
  return layFinder(FOUND, windowBits, hashBits, depth, nice);
}

/** Prepare the part of an encoder that finds matches; returns where its buffer begins. */
export function prepareFinder(windowBits: u32, hashBits: u32, depth: u32, nice: u32): usize {
  prepareFound(depth);
  return layFinder(FOUND + FOUND_CHUNK_BYTES + 64, windowBits, hashBits, depth, nice);
}

/** Prepare the rest of an encoder, which parses what another instance found; returns where its buffer begins. */
export function prepareParser(windowBits: u32, depth: u32, nice: u32, optimal: bool): usize {
  prepareModel();
  makeCosts();
  setParser(nice, optimal, true);
  const buffer = FOUND + prepareFound(depth);
  moveBuffer(buffer, windowBits);
  return buffer;
}

/** The byte at position p is now at base + p. */
export function moveBuffer(base: usize, windowBits: u32): void {
  setWindow(base, 0xffffffff, 1 << windowBits);
  setFinderBase(base);
  setParserBase(base);
}

/** Learn from the bytes up to `end` as literals, with nothing coded; they are in the window. */
export function primePiece(end: u32): void {
  startCoder(false);
  while (position != end) {
    const byte = byteAt(position);
    codeLiteral(byte);
    passLiteral(byte);
    if ((position & 1023) == 0) setCodedPosition(0);
  }
}

/** In an encoder: keep what is known before a segment. */
export function keepModel(): void {
  keepLearned(KEPT);
}

/** In an encoder: the segment since `keepModel` is stored as it is. */
export function passCodedAsStored(): void {
  unlearn(KEPT);
  forgetPrices();
}
