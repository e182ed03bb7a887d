/** The one pass over a flat image that tells what is in it. */
import { EMPTY_BYTES, toHex } from "../../bytes/index.ts";
import type { EntrySpan, IndexOptions, SourceIndex } from "../../encode/input.ts";
import { ErrorCode, ImageError } from "../../errors.ts";
import { createSha256, createWholeHash, type Hash64Api, loadHash64 } from "../../hash/index.ts";
import { type Source, scanSource } from "../../io/index.ts";
import { ScanCursor, type TarCursor, TarParser, truncatedTar } from "../tar/index.ts";
import { describeEntry } from "./describe-entry.ts";
import type { Envelope } from "./envelope.ts";
import { describeEnvelope, outerSpans } from "./outer-spans.ts";

/** What the pass finds. */
export interface FlatScan {
  index: SourceIndex;
  /** Digest that the layer's bytes really have ("sha256:..."). */
  layerDigest: string;
  /** Entries that the layer really has. */
  entryCount: number;
}

/** The cursor seen from inside the layer: it ends where the layer does. Offsets stay those of the whole file. */
export class LayerCursor implements TarCursor {
  readonly #cursor: ScanCursor;
  readonly #end: number;
  /** The header block taken last, until the cursor moves on. */
  block: Uint8Array = EMPTY_BYTES;
  /** Whether other bytes than zeros were skipped since this was last set. */
  hasSkippedBytes = false;

  constructor(cursor: ScanCursor, end: number) {
    this.#cursor = cursor;
    this.#end = end;
  }

  get position(): number {
    return this.#cursor.position;
  }

  get remaining(): number {
    return this.#end - this.#cursor.position;
  }

  #check(length: number): void {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.#end);
  }

  async take(length: number): Promise<Uint8Array> {
    this.#check(length);
    this.block = await this.#cursor.take(length);
    return this.block;
  }

  async skip(length: number): Promise<void> {
    this.#check(length);
    if (length > 0) await this.#cursor.skip(length, this.#lookAt);
  }

  peek(length: number): Uint8Array | undefined {
    return length > this.remaining ? undefined : this.#cursor.peek(length);
  }

  accept(peeked: Uint8Array): void {
    this.#cursor.accept(peeked);
    this.block = peeked;
  }

  trySkip(length: number): boolean {
    const skipped = length > this.remaining ? undefined : this.#cursor.tryTake(length);
    if (skipped === undefined) return false;
    this.#lookAt(skipped);
    return true;
  }

  readonly #lookAt = (part: Uint8Array): void => {
    for (let i = 0; i < part.length; i++) {
      if (part[i] !== 0) {
        this.hasSkippedBytes = true;
        return;
      }
    }
  };
}

/** XXH64 of the next `length` bytes, 0n of none; a promise of it where they are not at hand. */
export function hashContent(cursor: ScanCursor, length: number, hashes: Hash64Api): bigint | Promise<bigint> {
  if (length === 0) return 0n;
  const bytes = cursor.tryTake(length);
  return bytes === undefined ? hashParts(cursor, length, hashes) : hashes.hash(bytes);
}

async function hashParts(cursor: ScanCursor, length: number, hashes: Hash64Api): Promise<bigint> {
  const hash = hashes.create();
  await cursor.skip(length, (part) => hash.update(part));
  return hash.digest();
}

/** Takes what passes into the hashes of the whole and of the layer. */
function createRangeHasher(layerOffset: number, layerBytes: number, hash64: Hash64Api) {
  const whole = createWholeHash(hash64);
  const layer = createSha256();
  let at = 0;
  return {
    update: (bytes: Uint8Array) => {
      whole.update(bytes);
      const from = Math.max(layerOffset - at, 0);
      const to = Math.min(layerOffset + layerBytes - at, bytes.length);
      if (from < to) layer.update(bytes.subarray(from, to));
      at += bytes.length;
    },
    digests: () => ({ whole: whole.digest(), layer: layer.digest() }),
  };
}

/**
 * Read a flat image once from its first byte to its last, by a reader that knows every form of headers and proves what it reads: hashes
 * of the whole, digest of the layer, place and XXH64 of each entry. What `indexFlatImage` does for most images in a fraction of the time.
 *
 * @throws {@link ImageError} when the layer is no tar.
 */
export async function scanFlatImage(
  source: Source,
  envelope: Envelope,
  { signal, onProgress }: Pick<IndexOptions, "signal" | "onProgress"> = {},
): Promise<FlatScan> {
  const { layer, layerOffset } = envelope;
  const hash64 = await loadHash64();
  const hasher = createRangeHasher(layerOffset, layer.sizeBytes, hash64);
  async function* pieces() {
    let doneBytes = 0;
    for await (const piece of scanSource(source, { signal })) {
      hasher.update(piece);
      doneBytes += piece.length;
      onProgress?.({ phase: "index", doneBytes, totalBytes: source.size });
      yield piece;
    }
  }
  const cursor = new ScanCursor(pieces(), source.size);
  const entries: EntrySpan[] = [];
  try {
    for (const span of outerSpans(envelope)) {
      await cursor.skip(span.contentOffset - cursor.position);
      span.contentHash = await hashContent(cursor, span.contentBytes, hash64);
      entries.push(span);
    }
    const outerCount = entries.length;
    const inner = new LayerCursor(cursor, layerOffset + layer.sizeBytes);
    let last: EntrySpan | undefined;
    const checkPadding = (): void => {
      if (inner.hasSkippedBytes && last !== undefined) last.headerHash = undefined;
      inner.hasSkippedBytes = false;
    };
    const parser = new TarParser(inner, {});
    for (;;) {
      const entry = parser.nextAtHand() ?? (await parser.next());
      checkPadding();
      if (entry === undefined) break;
      last = describeEntry(entry, inner.block, hash64);
      const contentHash = hashContent(cursor, entry.contentBytes, hash64);
      last.contentHash = typeof contentHash === "bigint" ? contentHash : await contentHash;
      entries.push(last);
    }
    const entryCount = entries.length - outerCount;
    if (entryCount !== layer.entryCount) {
      throw new ImageError(
        ErrorCode.BAD_MANIFEST,
        `flat image: expected ${layer.entryCount} entries in its layer, found ${entryCount}`,
        { expected: String(layer.entryCount), actual: String(entryCount) },
      );
    }
    await cursor.drain();
    const { whole, layer: layerSha256 } = hasher.digests();
    return {
      index: { hashes: Promise.resolve(whole), entries, envelope: describeEnvelope(envelope) },
      layerDigest: `sha256:${toHex(layerSha256)}`,
      entryCount,
    };
  } finally {
    await cursor.close();
  }
}
