/** Positions of the first piece after a jump; each piece is four times the one before. */
const FIRST_PIECE_POSITIONS = 64;

/** What scanning a piece found. */
export interface ScannedPiece {
  /** How many candidates there are. */
  count: number;
  /** How many positions were scanned, and the weak hash of the window behind the last. */
  positions: number;
  nextHash: number;
}

/**
 * Goes along a byte array in pieces that a kernel scans for candidates: small after a jump and then larger, each position once.
 * Whoever skips much does not pay for what was skipped, and a false candidate costs no second scan.
 */
export abstract class PieceScanner {
  /** Bytes of a window. */
  readonly blockBytes: number;
  /** Where the present candidate's window begins. */
  position = 0;
  /** The weak hash of the present candidate's window. */
  weakHash = 0;

  readonly #mostPositions: number;
  /** Windows lie inside the bytes before `#end`. */
  #end = 0;
  /** The next position to scan, and the weak hash of its window unless the scan has just jumped there. */
  #scanAt = 0;
  #scanHash: number | undefined;
  #piecePositions = FIRST_PIECE_POSITIONS;
  /** Candidates of the last piece: their number, how many are given out, and what their positions count from. */
  #count = 0;
  #given = 0;
  #candidatesFrom = 0;

  /** @param mostPositions - of a piece. */
  protected constructor(blockBytes: number, mostPositions: number) {
    this.blockBytes = blockBytes;
    this.#mostPositions = mostPositions;
  }

  /**
   * Pairs of the candidates' places in the last piece and their weak hashes.
   *
   * @internal
   */
  protected abstract get candidates(): Uint32Array;

  /**
   * Scan so many positions from `from` on.
   *
   * @internal
   * @param hash - weak hash of the first window, if it is known.
   */
  protected abstract scanPiece(from: number, positions: number, hash: number | undefined): ScannedPiece;

  /**
   * Begin to scan: all windows inside `from` … `end`, in order.
   *
   * @internal
   */
  protected begin(from: number, end: number): void {
    this.#end = end;
    this.#jump(from);
  }

  #jump(position: number): void {
    this.#scanAt = position;
    this.#scanHash = undefined;
    this.#piecePositions = FIRST_PIECE_POSITIONS;
    this.#count = 0;
    this.#given = 0;
  }

  /**
   * Go to the next candidate.
   *
   * @returns whether there is one; then `position` and `weakHash` tell it.
   */
  next(): boolean {
    while (this.#given === this.#count) {
      if (this.#scanAt > this.#end - this.blockBytes) return false;
      this.#scanNextPiece();
    }
    const at = 2 * this.#given++;
    this.position = this.#candidatesFrom + this.candidates[at]!;
    this.weakHash = this.candidates[at + 1]!;
    return true;
  }

  /** Leave out all candidates before `position`. Going back is not possible: positions passed stay passed. */
  skipTo(position: number): void {
    if (position > this.#scanAt) {
      this.#jump(position);
      return;
    }
    while (this.#given < this.#count && this.#candidatesFrom + this.candidates[2 * this.#given]! < position) {
      this.#given++;
    }
    this.#piecePositions = FIRST_PIECE_POSITIONS;
  }

  #scanNextPiece(): void {
    const from = this.#scanAt;
    const wanted = Math.min(this.#piecePositions, this.#end - this.blockBytes - from + 1);
    const { count, positions, nextHash } = this.scanPiece(from, wanted, this.#scanHash);
    this.#count = count;
    this.#given = 0;
    this.#candidatesFrom = from;
    this.#scanAt = from + positions;
    this.#scanHash = nextHash;
    this.#piecePositions = Math.min(this.#mostPositions, this.#piecePositions * 4);
  }
}
