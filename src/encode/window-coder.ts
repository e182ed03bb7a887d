import { EMPTY_BYTES } from "../bytes/index.ts";
import type { SegmentEncoder } from "../codec/index.ts";
import {
  type CodedSegment,
  type DeltaAccountant,
  type DeltaWriter,
  StreamId,
  shortenChecksum,
} from "../delta/index.ts";
import type { WindowTaker } from "./op-feeder.ts";
import type { RawWindow } from "./window-builder.ts";

// So many windows wait for their segments at most. A window with a large segment of literals often stands beside one
// with a large residual: with several in hand all encoders have work.
const MAX_WINDOWS = 6;

/** XXH64 of a range of the target. */
export type HashTarget = (offset: number, length: number) => Promise<bigint>;

/** Codes the segments of windows, each stream by itself, and hands complete windows to the writer in order. */
export class WindowCoder implements WindowTaker {
  readonly #writer: DeltaWriter;
  readonly #encoders: ReadonlyMap<StreamId, SegmentEncoder>;
  readonly #accountant: DeltaAccountant | undefined;
  readonly #hashTarget: HashTarget;
  /** When each stream's encoder is done with what it has been given. */
  readonly #turns = new Map<StreamId, Promise<unknown>>();
  readonly #pending: Promise<void>[] = [];
  #written: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(
    writer: DeltaWriter,
    encoders: ReadonlyMap<StreamId, SegmentEncoder>,
    accountant: DeltaAccountant | undefined,
    hashTarget: HashTarget,
  ) {
    this.#writer = writer;
    this.#encoders = encoders;
    this.#accountant = accountant;
    this.#hashTarget = hashTarget;
  }

  /** Windows so far. */
  get count(): number {
    return this.#count;
  }

  #code(stream: StreamId, raw: Uint8Array, { diffBasis, spans }: RawWindow): Promise<CodedSegment> {
    const encoder = this.#encoders.get(stream)!;
    const before = encoder.queues === true ? undefined : this.#turns.get(stream);
    const encode = async () => ({
      stream,
      coded: await encoder.encode(raw, diffBasis, spans),
      rawBytes: raw.length,
    });
    const coded = before === undefined ? encode() : before.then(encode);
    this.#turns.set(stream, coded);
    return coded;
  }

  async #finish(window: RawWindow, segments: Promise<CodedSegment>[], before: Promise<void>): Promise<void> {
    const { targetOffset, targetBytes } = window;
    const hash = this.#hashTarget(targetOffset, targetBytes);
    const [coded, xxh64] = await Promise.all([Promise.all(segments), hash, before]);
    const checksum = shortenChecksum(xxh64);
    await this.#writer.writeWindow({ targetBytes, checksum, segments: coded });
    this.#accountant?.addWindow({
      targetBytes,
      control: window.segments.get(StreamId.CONTROL) ?? EMPTY_BYTES,
      segments: coded.map((segment) => ({
        stream: segment.stream,
        rawBytes: segment.rawBytes,
        codedBytes: segment.coded.length,
      })),
    });
    window.release();
  }

  /**
   * Code a window.
   *
   * @throws what made an earlier window fail.
   */
  async push(window: RawWindow): Promise<void> {
    this.#count++;
    const segments = [...window.segments].map(([stream, raw]) => this.#code(stream, raw, window));
    this.#written = this.#finish(window, segments, this.#written);
    this.#written.catch(() => {}); // seen by the `await` of a later call
    this.#pending.push(this.#written);
    if (this.#pending.length === MAX_WINDOWS) await this.#pending.shift();
  }

  /** Wait until all windows are written. */
  async finish(): Promise<void> {
    await this.#written;
  }
}
