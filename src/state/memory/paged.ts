// Long arrays of numbers that grow by pieces: growing copies one piece at most.

const pieceShift = 12;
const pieceLength = 2 ** pieceShift;
const pieceMask = pieceLength - 1;
const lengthMin = 8;

type Numbers = Uint32Array | Float64Array;

/** What is beyond what was ever set reads as 0, up to `reserve`. */
class Paged<Piece extends Numbers> {
  readonly #make: (length: number) => Piece;
  readonly #pieces: Piece[] = [];

  constructor(make: (length: number) => Piece) {
    this.#make = make;
  }

  get(at: number): number {
    return (this.#pieces[at >>> pieceShift] as Piece)[at & pieceMask] as number;
  }

  set(at: number, value: number): void {
    (this.#pieces[at >>> pieceShift] as Piece)[at & pieceMask] = value;
  }

  /** Makes room for places below `length`. */
  reserve(length: number): void {
    const pieces = this.#pieces;
    const whole = (length + pieceMask) >>> pieceShift;
    if (whole > 1) {
      this.#growFirst(pieceLength);
      while (pieces.length < whole) pieces.push(this.#make(pieceLength));
    } else if (length > (pieces[0]?.length ?? 0)) {
      this.#growFirst(Math.max(lengthMin, 2 ** (32 - Math.clz32(length - 1))));
    }
  }

  /** Gives back the pieces that lie beyond `length` as a whole. */
  shrink(length: number): void {
    const keep = Math.max(1, (length + pieceMask) >>> pieceShift);
    if (this.#pieces.length > keep + 1) this.#pieces.length = keep + 1;
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  #growFirst(length: number): void {
    const first = this.#pieces[0];
    if (first !== undefined && first.length >= length) return;
    const larger = this.#make(length);
    if (first !== undefined) larger.set(first);
    this.#pieces[0] = larger;
  }
}

export class PagedWords extends Paged<Uint32Array> {
  constructor() {
    super((length) => new Uint32Array(length));
  }
}

export class PagedDoubles extends Paged<Float64Array> {
  constructor() {
    super((length) => new Float64Array(length));
  }
}
