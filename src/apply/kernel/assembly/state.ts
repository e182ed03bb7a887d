// What the kernel and its caller tell each other: numbers of 8 bytes in floating point, exact to 2^53, from STATE on. Places are
// addresses in the kernel's memory.

import { STREAM_BYTES } from "../../../hash/core/assembly/xxh64-stream";

/** Where the hash of the target is that is made, before the state. */
export const HASH: usize = 16;
/** Where the state is. */
export const STATE: usize = (HASH + STREAM_BYTES + 15) & ~15;

@inline
function get(field: i32): i64 {
  return <i64>load<f64>(STATE + (<usize>field << 3));
}

@inline
function set(field: i32, value: i64): void {
  store<f64>(STATE + (<usize>field << 3), <f64>value);
}

// Where the ops are, and where they were read to.
@inline export function getControl(): usize { return <usize>get(0); }
@inline export function setControl(at: usize): void { set(0, at); }
@inline export function getControlEnd(): usize { return <usize>get(1); }
// What the next distance counts from.
@inline export function getNext(): i64 { return get(2); }
@inline export function setNext(offset: i64): void { set(2, offset); }
// What the ops may still make in this window, and take of its segments.
@inline export function getWindowLeft(): i64 { return get(3); }
@inline export function setWindowLeft(bytes: i64): void { set(3, bytes); }
@inline export function getData(): usize { return <usize>get(4); }
@inline export function setData(at: usize): void { set(4, at); }
@inline export function getDataEnd(): usize { return <usize>get(5); }
@inline export function getResidual(): usize { return <usize>get(6); }
@inline export function setResidual(at: usize): void { set(6, at); }
@inline export function getResidualEnd(): usize { return <usize>get(7); }
// Where target bytes go; a vector behind the end may be overwritten.
@inline export function getOutput(): usize { return <usize>get(8); }
@inline export function setOutput(at: usize): void { set(8, at); }
@inline export function getOutputEnd(): usize { return <usize>get(9); }
// The pages of the basis that are at hand.
@inline export function getBasisBytes(): i64 { return get(10); }
@inline export function getPages(): usize { return <usize>get(11); }
@inline export function getPageBytes(): i64 { return get(12); }
@inline export function getPageCount(): i32 { return <i32>get(13); }
@inline export function getPageStarts(): usize { return <usize>get(14); }
@inline export function getPageUses(): usize { return <usize>get(15); }
@inline export function getPageClock(): usize { return <usize>get(16); }
// What was done, by kind of op.
@inline export function setOpCount(count: i64): void { set(17, count); }
@inline export function setCopied(bytes: i64): void { set(18, bytes); }
@inline export function setAdded(bytes: i64): void { set(19, bytes); }
@inline export function setLiteral(bytes: i64): void { set(20, bytes); }
@inline export function setRepeated(bytes: i64): void { set(21, bytes); }
/** Where the page begins that the next op wants and that is not in memory; −1 when it wants something else. */
@inline export function setMissingPage(start: i64): void { set(22, start); }
// For so many pages a byte each: the slot where it, or another page, was found last.
@inline export function getSlotHints(): usize { return <usize>get(23); }
@inline export function getSlotHintCount(): i64 { return get(24); }
