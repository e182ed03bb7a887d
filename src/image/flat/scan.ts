/** The one pass over a flat image that tells what is in it. */
import { EMPTY_BYTES, toHex } from "../../bytes/index.ts";
import type { EntrySpan, IndexOptions, SourceIndex } from "../../encode/input.ts";
import { ErrorCode, ImageError } from "../../errors.ts";
import { createSha256, type Hash64Api, loadHash64 } from "../../hash/index.ts";
import { type Source, scanSource } from "../../io/index.ts";
import { TAR_BLOCK_BYTES, takeHeaderTime } from "../../transform/index.ts";
import { ScanCursor, type TarCursor, TarParser, truncatedTar } from "../tar/index.ts";
import { ENVELOPE_ROLES, type Envelope } from "./envelope.ts";
import { identifyEntry } from "./identity.ts";

/** What the pass finds. */
export interface FlatScan {
  index: SourceIndex;
  /** Digest that the layer's bytes really have ("sha256:..."). */
  layerDigest: string;
  /** Entries that the layer really has. */
  entryCount: number;
}

/** Paths of an image never hold a NUL, so these never meet one. */
const OUTER_PREFIX = "\0oci/";

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

/** A path as spans have it: of folders without the slash behind it. */
export function trimPath(name: string): string {
  if (name === "./") return "";
  return name.endsWith("/") ? name.slice(0, -1) : name;
}

/** Takes what passes into the hashes of the whole, if that is wanted, and of the layer. */
function createRangeHasher(hashesWhole: boolean, layerOffset: number, layerBytes: number) {
  const whole = createSha256();
  const layer = createSha256();
  let at = 0;
  return {
    update: (bytes: Uint8Array) => {
      if (hashesWhole) whole.update(bytes);
      const from = Math.max(layerOffset - at, 0);
      const to = Math.min(layerOffset + layerBytes - at, bytes.length);
      if (from < to) layer.update(bytes.subarray(from, to));
      at += bytes.length;
    },
    digests: () => ({ whole: whole.digest(), layer: layer.digest() }),
  };
}

/**
 * Read a flat image once from its first byte to its last: SHA-256 of the whole, place and XXH64 of each entry.
 *
 * @param checkLayer - whether to hash the layer on its own too, which the index does not need.
 * @throws {@link ImageError} when the layer is no tar.
 */
export async function scanFlatImage(
  source: Source,
  envelope: Envelope,
  checkLayer: boolean,
  options: IndexOptions = {},
): Promise<FlatScan> {
  const { wantsXxh64 = false, wholeHashing, signal, onProgress } = options;
  const { layer, layerOffset } = envelope;
  const hash64 = await loadHash64();
  const elsewhere = wholeHashing?.hashWhole(source, wantsXxh64, signal);
  // Seen by whoever needs them, unless this pass or another fails first.
  elsewhere?.catch(() => {});
  const whole64 = wantsXxh64 && elsewhere === undefined ? hash64.create() : undefined;
  const hasher = createRangeHasher(elsewhere === undefined, layerOffset, checkLayer ? layer.sizeBytes : 0);
  async function* pieces() {
    let doneBytes = 0;
    for await (const piece of scanSource(source, { signal })) {
      hasher.update(piece);
      whole64?.update(piece);
      doneBytes += piece.length;
      onProgress?.({ phase: "index", doneBytes, totalBytes: source.size });
      yield piece;
    }
  }
  const cursor = new ScanCursor(pieces(), source.size);
  const entries: EntrySpan[] = [];
  try {
    for (const [i, { headerOffset, contentOffset, contentBytes }] of envelope.entries.entries()) {
      await cursor.skip(contentOffset - cursor.position);
      const role = ENVELOPE_ROLES[i]!;
      const isLayer = role === "layer";
      entries.push({
        path: OUTER_PREFIX + role,
        headerOffset,
        headerBytes: contentOffset - headerOffset,
        contentOffset,
        contentBytes: isLayer ? 0 : contentBytes,
        headerHash: undefined,
        headerTime: undefined,
        contentHash: isLayer ? 0n : await hashContent(cursor, contentBytes, hash64),
        identity: undefined,
      });
    }
    const outerCount = entries.length;
    const inner = new LayerCursor(cursor, layerOffset + layer.sizeBytes);
    const blockWithoutTime = new Uint8Array(TAR_BLOCK_BYTES);
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
      const { header, headerOffset, contentOffset, contentBytes } = entry;
      const headerBytes = contentOffset - headerOffset;
      last = {
        path: trimPath(header.name),
        headerOffset,
        headerBytes,
        contentOffset,
        contentBytes,
        headerHash: undefined,
        headerTime: undefined,
        contentHash: 0n,
        identity: identifyEntry(header, hash64),
      };
      if (headerBytes === TAR_BLOCK_BYTES) {
        blockWithoutTime.set(inner.block);
        const time = takeHeaderTime(blockWithoutTime, contentBytes);
        last.headerHash = hash64.hash(blockWithoutTime);
        if (time >= 0) last.headerTime = time;
      }
      const contentHash = hashContent(cursor, contentBytes, hash64);
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
    const { whole: sha256, layer: layerSha256 } = hasher.digests();
    const hashes = elsewhere ?? Promise.resolve({ sha256, xxh64: whole64?.digest() });
    const { contentOffset: configOffset, contentBytes: configBytes } =
      envelope.entries[ENVELOPE_ROLES.indexOf("config")]!;
    const span = { configOffset, configBytes, layerOffset, layerDigest: layer.digest, entryCount };
    return {
      index: { hashes, entries, envelope: span },
      layerDigest: `sha256:${toHex(layerSha256)}`,
      entryCount,
    };
  } finally {
    await cursor.close();
  }
}
