// Carries out ops whose basis bytes are in memory: see ../op-kernel.ts.
import { copyBytes, repeatByte } from "./copy";
import { putBasis, startPages } from "./pages";
import * as state from "./state";
import { NO_VARINT, readSignedVarint, readVarint, varintEnd } from "../../../bytes/assembly/varint";

export { addTo } from "./copy";
export { digestHash, startHash, updateHash } from "./hash";
export { STATE } from "./state";

const COPY: i64 = 0;
const DIFF: i64 = 1;
const DATA: i64 = 2;
const RUN: i64 = 3;

/**
 * Carry out ops until there is one that is not COPY, DIFF, DATA or RUN, does not fit the output, reads what is not in memory,
 * or is damaged. The state is then as it was before that op.
 */
export function runOps(): void {
  startPages();
  const controlEnd = state.getControlEnd();
  const dataEnd = state.getDataEnd();
  const residualEnd = state.getResidualEnd();
  const outputEnd = state.getOutputEnd();
  const basisBytes = state.getBasisBytes();
  let control = state.getControl();
  let next = state.getNext();
  let windowLeft = state.getWindowLeft();
  let data = state.getData();
  let residual = state.getResidual();
  let output = state.getOutput();
  let count: i64 = 0;
  let copied: i64 = 0;
  let added: i64 = 0;
  let literal: i64 = 0;
  let repeated: i64 = 0;
  for (;;) {
    const head = readVarint(control, controlEnd);
    const kind = head & 7;
    const length = head >> 3;
    if (length < 1 || kind > RUN || length > windowLeft || length > <i64>(outputEnd - output)) break;
    let opEnd = varintEnd;
    if (kind <= DIFF) {
      const distance = readSignedVarint(opEnd, controlEnd);
      if (distance == NO_VARINT) break;
      opEnd = varintEnd;
      const offset = next + distance;
      if (offset < 0 || offset > basisBytes - length) break;
      if (kind == COPY) {
        if (!putBasis(output, offset, length, 0)) break;
        copied += length;
      } else {
        if (length > <i64>(residualEnd - residual) || !putBasis(output, offset, length, residual)) break;
        residual += <usize>length;
        added += length;
      }
      next = offset + length;
    } else {
      if (kind == DATA) {
        if (length > <i64>(dataEnd - data)) break;
        copyBytes(output, data, <usize>length);
        data += <usize>length;
        literal += length;
      } else {
        if (opEnd >= controlEnd) break;
        repeatByte(output, load<u8>(opEnd++), <usize>length);
        repeated += length;
      }
      next += length;
    }
    control = opEnd;
    output += <usize>length;
    windowLeft -= length;
    count++;
  }
  state.setControl(control);
  state.setNext(next);
  state.setWindowLeft(windowLeft);
  state.setData(data);
  state.setResidual(residual);
  state.setOutput(output);
  state.setOpCount(count);
  state.setCopied(copied);
  state.setAdded(added);
  state.setLiteral(literal);
  state.setRepeated(repeated);
}
