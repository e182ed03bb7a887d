/** All golden files. */
import type { GoldenSet } from "../golden.ts";
import { FILE_BASES, SPARSE_BASES } from "./bases.ts";
import { ENCODED_DELTAS } from "./encoded.ts";
import { ENVELOPE_CASES } from "./invalid-envelopes.ts";
import { FILE_CASES, WINDOW_CASES } from "./invalid-files.ts";
import { HEADER_CASES } from "./invalid-headers.ts";
import { OP_CASES } from "./invalid-ops.ts";
import { segmentCases } from "./invalid-segments.ts";
import { SIGNATURES } from "./signatures.ts";
import { codecCases } from "./valid-codecs.ts";
import { extensionCases } from "./valid-extensions.ts";
import { opCases } from "./valid-ops.ts";
import { largeCases, windowCases } from "./valid-windows.ts";

export const GOLDEN_SET: GoldenSet = {
  fileBases: FILE_BASES,
  sparseBases: SPARSE_BASES,
  cases: [
    ...codecCases(),
    ...opCases(),
    ...windowCases(),
    ...extensionCases(),
    ...largeCases(),
    ...ENCODED_DELTAS,
    ...FILE_CASES,
    ...HEADER_CASES,
    ...ENVELOPE_CASES,
    ...WINDOW_CASES,
    ...segmentCases(),
    ...OP_CASES,
    ...SIGNATURES,
  ],
};
