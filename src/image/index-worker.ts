/**
 * What a thread of `openFlatFile` runs: it indexes one flat image.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import type { SourceIndex } from "../encode/input.ts";
import { descriptorSource } from "../io/descriptor.ts";
import { type EntryColumns, packEntries } from "./flat/entry-columns.ts";
import { openFlatImage } from "./flat.ts";

/** What the thread is started with. */
export interface IndexTask {
  descriptor: number;
  sizeBytes: number;
}

/** Its one answer. */
export interface IndexAnswer extends Omit<SourceIndex, "entries"> {
  columns: EntryColumns;
}

if (parentPort !== null) {
  const { descriptor, sizeBytes } = workerData as IndexTask;
  const image = await openFlatImage(descriptorSource(descriptor, sizeBytes));
  const { entries, ...index } = await image.index();
  const answer: IndexAnswer = { ...index, columns: packEntries(entries) };
  parentPort.postMessage(answer, [answer.columns.places.buffer, answer.columns.hashes.buffer]);
}
