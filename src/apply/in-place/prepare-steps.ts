import type { DeltaReader, InPlaceHeader } from "../../delta/index.ts";
import { ErrorCode, FormatError, UnsupportedError } from "../../errors.ts";
import { loadHash64 } from "../../hash/index.ts";
import { type StorageFile, subSource } from "../../io/index.ts";
import { type InPlaceLayout, InPlacePlan, InPlaceReads } from "../../transform/index.ts";
import { type ApplyOptions, applyOpened } from "../apply.ts";
import { StepRecorder } from "./recorder.ts";
import { type SpoolIndexPlace, SpoolWriter } from "./spool.ts";
import { StepHashes } from "./step-hashes.ts";

/** @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` for a delta that is for streams alone. */
export function requireInPlace(inPlace: InPlaceHeader | undefined): InPlaceHeader {
  if (inPlace !== undefined) return inPlace;
  throw new UnsupportedError(
    ErrorCode.UNSUPPORTED_FEATURE,
    "the delta was made to be applied as a stream only; apply it beside the image, or make it anew without that option",
  );
}

/**
 * Go through the whole delta while the basis is still there: prove that it makes the target, and write down what each step
 * does. Nothing of the basis is changed. The reader is closed.
 *
 * @param file - begins with the basis, which was proven.
 */
export async function prepareSteps(
  file: StorageFile,
  spoolFile: StorageFile,
  reader: DeltaReader,
  layout: InPlaceLayout,
  options: ApplyOptions,
): Promise<{ reads: InPlaceReads; index: SpoolIndexPlace }> {
  const { header } = reader;
  const { spoolBytes, stashBytes } = requireInPlace(header.inPlace);
  const basis = subSource(file, 0, layout.basisBytes);
  const reads = new InPlaceReads(layout, reader.limits.planBytes);
  const spool = await SpoolWriter.create(spoolFile, spoolBytes);
  const recorder = new StepRecorder(header, basis, spool, reads);
  const hashes = new StepHashes(await loadHash64(), layout.stepBytes);
  await applyOpened(basis, reader, hashes, options, {
    basisIsKnown: true,
    onWindow: (window, ops, head) => recorder.addWindow(window, ops, head),
  });
  recorder.finish();
  const plan = new InPlacePlan(reads);
  while (plan.next() !== undefined);
  const neededBytes = plan.slotCount * layout.blockBytes;
  if (neededBytes > stashBytes) {
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      `delta: applying it in place takes a stash of ${neededBytes} bytes, it declares ${stashBytes}`,
    );
  }
  return { reads, index: await spool.finish(hashes.finish()) };
}
