import { selectContent } from "./range.ts";
import type { PinnedFile } from "./shelf.ts";

// Large enough that a system call costs little, small enough for thousands of answers at once.
const PIECE_BYTES = 1 << 15;

/** A file to be sent. */
export interface SendableFile {
  /** SHA-256 of all its bytes ("sha256:…"): its strong entity tag. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Headers of every answer with it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Open its bytes, for an answer that has any; they are released when it is at its end. */
  readonly open: () => Promise<PinnedFile>;
  /** Told of each piece that is handed over, and whether the file's last byte is in it. */
  onSent(bytes: number, isLast: boolean): void;
}

function base64OfHex(hex: string): string {
  const bytes = hex.match(/../gu)!.map((pair) => Number.parseInt(pair, 16));
  return btoa(String.fromCharCode(...bytes));
}

function streamRange(
  pinned: PinnedFile,
  { offset, length }: { offset: number; length: number },
  { sizeBytes, onSent }: SendableFile,
): ReadableStream<Uint8Array> {
  let at = offset;
  const end = offset + length;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
          await pinned.source.read(at, piece);
          at += piece.length;
          controller.enqueue(piece);
          onSent(piece.length, at === sizeBytes);
          if (at < end) return;
          controller.close();
          await pinned.release();
        } catch (error) {
          await pinned.release();
          throw error;
        }
      },
      cancel: () => pinned.release(),
    },
    // Nothing is read before somebody takes it.
    { highWaterMark: 0 },
  );
}

/**
 * Answer GET or HEAD with a file that never changes: all of it, a range, or that the client has it.
 *
 * @throws {@link Problem} as `selectContent`.
 */
export async function sendFile(request: Request, file: SendableFile): Promise<Response> {
  const { range, ...init } = describeAnswer(request, file);
  if (range === undefined || request.method === "HEAD") return new Response(null, init);
  return new Response(streamRange(await file.open(), range, file), init);
}

/** Status and headers of the answer, and which bytes it has. */
function describeAnswer(
  request: Request,
  file: SendableFile,
): { status: number; headers: Headers; range?: { offset: number; length: number } } {
  const { digest, sizeBytes } = file;
  const tag = `"${digest}"`;
  const selected = selectContent(request.headers, tag, sizeBytes);
  const headers = new Headers({ ...file.headers, etag: tag, "accept-ranges": "bytes" });
  if (selected.kind === "unchanged") return { status: 304, headers };
  const hashed = `sha-256=:${base64OfHex(digest.slice("sha256:".length))}:`;
  const range = selected.kind === "whole" ? { offset: 0, length: sizeBytes } : selected;
  headers.set("content-type", "application/octet-stream");
  headers.set("content-length", String(range.length));
  // RFC 9530: of the whole in every answer, of the content only where they are the same.
  headers.set("repr-digest", hashed);
  if (selected.kind === "whole") headers.set("content-digest", hashed);
  else headers.set("content-range", `bytes ${range.offset}-${range.offset + range.length - 1}/${sizeBytes}`);
  return { status: selected.kind === "whole" ? 200 : 206, headers, range };
}
