/** Changes a delta by what it says: header fields, windows, ops; and computes the checksums and digests that fit. */
import { ByteWriter, concatBytes } from "../../../src/bytes/index.ts";
import {
  BasisCursor,
  type DeltaHeader,
  DeltaReader,
  DeltaWriter,
  encodeOp,
  HEADER_TEXTS,
  type HeaderChange,
  type Op,
  OpKind,
  StreamId,
  shortenChecksum,
  WindowDecoder,
} from "../../../src/delta/index.ts";
import { isFlatdeltaError } from "../../../src/errors.ts";
import { loadHash64, sha256 } from "../../../src/hash/index.ts";
import { memorySink } from "../../../src/io/index.ts";
import { changeHeader, shiftHeaderTime } from "../../../src/transform/index.ts";
import type { Random } from "../random.ts";

/** A window whose streams are not coded. */
interface PlainWindow {
  targetBytes: number;
  checksum: number;
  ops: Op[];
  data: Uint8Array;
  residual: Uint8Array;
}

const { hash } = await loadHash64();

/** Take a delta apart whose segments are not coded; `undefined` for any other. */
async function readPlain(
  input: Uint8Array,
): Promise<{ header: DeltaHeader; windows: PlainWindow[] } | undefined> {
  const reader = await DeltaReader.open(input);
  const { header } = reader;
  if (header.streams.some(({ codecId }) => codecId !== 0)) return undefined;
  const decoder = new WindowDecoder(header);
  const windows: PlainWindow[] = [];
  for await (const coded of reader.windows()) {
    const rawOf = (stream: StreamId): Uint8Array =>
      coded.segments.find((segment) => segment.stream === stream)?.coded ?? new Uint8Array(0);
    const ops: Op[] = [];
    for (const op = decoder.ops(await decoder.open(coded)); op.next(); ) {
      const { kind, length, basisOffset, byte, timeShift, header: change } = op;
      ops.push({ kind, length, basisOffset, byte, timeShift, header: change });
    }
    const { targetBytes, checksum } = coded;
    windows.push({
      targetBytes,
      checksum,
      ops,
      data: rawOf(StreamId.DATA),
      residual: rawOf(StreamId.RESIDUAL),
    });
  }
  return { header, windows };
}

/** What the ops of a window make, told in the plainest way; `undefined` where they make nothing that can be told. */
function carryOut({ ops, data, residual }: PlainWindow, basis: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let [dataAt, residualAt] = [0, 0];
  for (const { kind, length, basisOffset, byte, timeShift, header } of ops) {
    if (length > 1 << 20) return undefined;
    const old = basis.slice(basisOffset, basisOffset + length);
    if (kind === OpKind.DATA) parts.push(data.subarray(dataAt, dataAt + length));
    else if (kind === OpKind.RUN) parts.push(new Uint8Array(length).fill(byte));
    else if (kind === OpKind.COPY) parts.push(old);
    else if (kind === OpKind.DIFF) parts.push(old.map((value, i) => value + (residual[residualAt + i] ?? 0)));
    else if (kind === OpKind.TOUCH) {
      for (let at = 0; at < length; ) {
        const block = old.subarray(at, at + 512);
        const contentBytes = block.length < 512 ? -1 : shiftHeaderTime(block, timeShift);
        if (contentBytes < 0) return undefined;
        at += 512 + contentBytes;
      }
      parts.push(old);
    } else {
      const inserted = header!.splices.reduce((sum, splice) => sum + splice.insertedBytes, 0);
      if (
        old.length < 512 ||
        !changeHeader(old, header!, timeShift, data.subarray(dataAt, dataAt + inserted))
      )
        return undefined;
      dataAt += inserted;
      parts.push(old);
    }
    if (kind === OpKind.DATA) dataAt += length;
    if (kind === OpKind.DIFF) residualAt += length;
  }
  return concatBytes(parts);
}

function randomChange(random: Random): HeaderChange {
  const splices = HEADER_TEXTS.flatMap(({ bytes }, text) =>
    random.oneIn(3)
      ? [
          {
            text,
            keptBytes: random.length(bytes + 1),
            removedBytes: random.length(10),
            insertedBytes: random.length(10),
          },
        ]
      : [],
  );
  return {
    sizeDelta: random.oneIn(2) ? 0 : random.edge(),
    time: random.oneIn(2) ? undefined : Math.abs(random.edge(1_700_000_000)),
    splices,
  };
}

function changeOp(op: Op, random: Random, basisBytes: number): void {
  switch (random.below(6)) {
    case 0:
      op.length = Math.max(1, random.oneIn(2) ? op.length + random.below(10) - 4 : random.edge(basisBytes));
      break;
    case 1:
      op.basisOffset = Math.max(0, random.oneIn(2) ? random.below(basisBytes) : random.edge(basisBytes));
      break;
    case 2:
      op.basisOffset = 512 * random.below(basisBytes >> 9);
      break;
    case 3:
      op.timeShift = random.oneIn(2) ? random.below(10) - 4 : random.edge();
      break;
    case 4:
      op.byte = random.below(256);
      break;
    default:
      op.kind = random.pick(Object.values(OpKind));
  }
  if (op.kind === OpKind.HEADER) {
    op.length = 512;
    if (op.header === undefined || random.oneIn(2)) op.header = randomChange(random);
  } else op.header = undefined;
}

function changeOps(window: PlainWindow, random: Random, basisBytes: number): void {
  const { ops } = window;
  const at = random.below(ops.length);
  const op = ops[at];
  const kind = random.below(6);
  if (op === undefined || kind === 0) {
    const made: Op = {
      kind: OpKind.RUN,
      length: 1 + random.length(600),
      basisOffset: 0,
      byte: 0,
      timeShift: 0,
    };
    changeOp(made, random, basisBytes);
    ops.splice(at, 0, made);
  } else if (kind === 1) ops.splice(at, 1);
  else if (kind === 2) ops.splice(at, 0, { ...op });
  else changeOp(op, random, basisBytes);
}

/** Let window sizes, segments and target follow from the ops, as a writer would. */
function settle(header: DeltaHeader, windows: PlainWindow[], basis: Uint8Array, random: Random): DeltaHeader {
  const parts: Uint8Array[] = [];
  for (const window of windows) {
    const used = { data: 0, residual: 0 };
    for (const { kind, length, header: change } of window.ops) {
      if (kind === OpKind.DATA) used.data += length;
      if (kind === OpKind.DIFF) used.residual += length;
      for (const { insertedBytes } of change?.splices ?? []) used.data += insertedBytes;
    }
    const fit = (bytes: Uint8Array, length: number): Uint8Array =>
      length > 1 << 18
        ? bytes
        : concatBytes([bytes.subarray(0, length), new Uint8Array(Math.max(0, length - bytes.length))]);
    window.data = fit(window.data, used.data);
    window.residual = fit(window.residual, used.residual);
    const made = carryOut(window, basis);
    if (made === undefined || made.length === 0) return header;
    window.targetBytes = made.length;
    window.checksum = shortenChecksum(hash(made));
    parts.push(made);
  }
  const target = concatBytes(parts);
  if (random.oneIn(16)) return header;
  return { ...header, targetBytes: target.length, targetSha256: sha256(target) };
}

function changeHeaderFields(header: DeltaHeader, random: Random): DeltaHeader {
  const power = (): number => 2 ** random.below(53);
  const number = (): number => Math.max(0, random.edge(header.targetBytes));
  switch (random.below(10)) {
    case 0:
      return { ...header, windowBytes: power() };
    case 1:
      return { ...header, segmentBytes: power() };
    case 2:
      return { ...header, targetBytes: number() };
    case 3:
      return { ...header, targetForm: header.targetForm === 0 ? 1 : 0 };
    case 4: {
      const primer = [{ offset: random.below(header.basisBytes), length: number() }];
      return { ...header, primer: random.oneIn(3) ? [...primer, ...primer] : primer };
    }
    case 5: {
      const [stepPower, blockPower] = [random.below(30), random.below(30)];
      const inPlace = { stepBytes: 2 ** stepPower, blockBytes: 2 ** blockPower };
      return {
        ...header,
        inPlace: { ...inPlace, stashBytes: inPlace.blockBytes * random.below(99), spoolBytes: number() },
      };
    }
    case 6: {
      const { envelope } = header;
      if (envelope === undefined) return header;
      const change = random.pick(["headBytes", "configBytes", "digestOffset", "entryCount"] as const);
      const unit = change === "headBytes" ? 512 : 1;
      return {
        ...header,
        envelope: { ...envelope, [change]: unit * Math.max(0, random.edge(envelope[change] / unit)) },
      };
    }
    case 7:
      return { ...header, envelope: undefined };
    default:
      return {
        ...header,
        streams: header.streams.map((stream) => ({
          ...stream,
          codecId: random.below(10),
          decoderMemoryBytes: power(),
        })),
      };
  }
}

function encodeOps(ops: readonly Op[], cursor: BasisCursor): Uint8Array {
  const out = new ByteWriter();
  for (const op of ops) encodeOp(out, op, cursor);
  return out.view().slice();
}

async function writePlain(header: DeltaHeader, windows: readonly PlainWindow[]): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await DeltaWriter.begin(sink, header);
  const cursor = new BasisCursor();
  for (const { targetBytes, checksum, ops, data, residual } of windows) {
    const streams = [encodeOps(ops, cursor), data, residual];
    const segments = streams.flatMap((coded, stream) =>
      coded.length === 0 ? [] : [{ stream: stream as StreamId, coded, rawBytes: coded.length }],
    );
    await writer.writeWindow({ targetBytes, checksum, segments });
  }
  await writer.end(windows.length);
  return sink.bytes();
}

/** Change some of what a delta says. `undefined` when it cannot be taken apart, or the change cannot be written down. */
export async function mutateDelta(
  input: Uint8Array,
  random: Random,
  basis: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    const plain = await readPlain(input);
    if (plain === undefined) return undefined;
    const { windows } = plain;
    let { header } = plain;
    for (let left = 1 + random.length(3); left > 0; left--) {
      if (windows.length === 0 || random.oneIn(5)) header = changeHeaderFields(header, random);
      else if (random.oneIn(12))
        windows.splice(random.below(windows.length), random.below(2), { ...random.pick(windows) });
      else {
        changeOps(random.pick(windows), random, basis.length);
        if (header.envelope === undefined) header = settle(header, windows, basis, random);
      }
    }
    return await writePlain(header, windows);
  } catch (error) {
    if (isFlatdeltaError(error) || error instanceof RangeError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}
