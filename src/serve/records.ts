import { readRange } from "../io/index.ts";
import type { ServiceStore } from "./store.ts";

// Records of a store are the service's own; a larger one is something else.
const MAX_RECORD_BYTES = 1 << 20;

/** Read a JSON record; nothing when there is none or it cannot be read. */
export async function readRecord(store: ServiceStore, name: string): Promise<unknown> {
  const file = await store.open(name);
  try {
    return JSON.parse(new TextDecoder().decode(await readRange(file, 0, file.size, MAX_RECORD_BYTES)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

/** Write a JSON record, durably, in place of an older one. */
export async function writeRecord(store: ServiceStore, name: string, value: object): Promise<void> {
  const draft = await store.create();
  try {
    await draft.write(new TextEncoder().encode(JSON.stringify(value)));
    await draft.commit(name);
  } finally {
    await draft.discard();
  }
}
