// From hashes to addresses: an open hash table that grows by pieces, so that no step of it is long.

/** Cells of the largest segment; a full one is split in two. */
const segmentCellsMax = 4096;
const segmentCellsMin = 8;
/** So many keys of one hash never come by chance; should they come, their segment grows. */
const depthMax = 16;

/** What stands beside a cell: nothing, something that is gone, or 7 bits of the hash with the high bit set. */
const empty = 0;
const gone = 1;
const mark = (hash: number): number => ((hash >>> 12) & 0x7f) | 0x80;

/** Is the record at this address the wanted one? */
export interface Wanted {
  isAt(address: number): boolean;
}

/** The hash of the key in the record at this address. */
export interface Hashes {
  hashAt(address: number): number;
}

/** Cells are found by the low bits of a hash, segments by the high ones. */
class Segment {
  readonly cells: Uint32Array;
  readonly marks: Uint8Array;
  readonly mask: number;
  /** Bits of the hash, from the top, that all of its keys share. */
  readonly depth: number;
  /** Cells that are not empty, and those of them that hold an address. */
  taken = 0;
  live = 0;

  constructor(cells: number, depth: number) {
    this.cells = new Uint32Array(cells);
    this.marks = new Uint8Array(cells);
    this.mask = cells - 1;
    this.depth = depth;
  }

  put(hash: number, address: number): void {
    const { mask, marks } = this;
    let at = hash & mask;
    while (marks[at] !== empty) at = (at + 1) & mask;
    marks[at] = mark(hash);
    this.cells[at] = address;
    this.taken++;
    this.live++;
  }

  get isFull(): boolean {
    return 8 * this.taken >= 7 * this.cells.length;
  }
}

/**
 * Linear probing over marks of a byte: a look-up reads one line of marks, one cell and one record. Hashes are not kept;
 * growing a segment reads the keys of at most 3,584 records.
 */
export class AddressIndex {
  size = 0;
  readonly #hashes: Hashes;
  /** 2^depth entries; segments of less depth stand in several. */
  #directory: Segment[];
  #shift = 32;
  /** Where `find` has found its address. */
  #segment: Segment;
  #at = 0;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
    this.#segment = new Segment(segmentCellsMin, 0);
    this.#directory = [this.#segment];
  }

  /** 0: there is none. */
  find(hash: number, wanted: Wanted): number {
    const segment = this.#of(hash);
    const { marks, cells, mask } = segment;
    const sought = mark(hash);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const found = marks[at];
      if (found === sought) {
        const address = cells[at] as number;
        if (wanted.isAt(address)) {
          this.#segment = segment;
          this.#at = at;
          return address;
        }
      } else if (found === empty) return 0;
    }
  }

  /** The key is not there yet. */
  add(hash: number, address: number): void {
    let segment = this.#of(hash);
    while (segment.isFull) {
      this.#makeRoom(segment, hash);
      segment = this.#of(hash);
    }
    segment.put(hash, address);
    this.size++;
  }

  /** The record that `find` found last lies somewhere else now. */
  movedFound(to: number): void {
    this.#segment.cells[this.#at] = to;
  }

  /** Forgets the record that `find` found last. */
  removeFound(): void {
    const segment = this.#segment;
    const { marks, mask } = segment;
    segment.live--;
    this.size--;
    // Probes go on over a cell that is gone; at the end of a row of cells none has to.
    let at = this.#at;
    if (marks[(at + 1) & mask] !== empty) {
      marks[at] = gone;
      return;
    }
    do {
      marks[at] = empty;
      segment.taken--;
      at = (at - 1) & mask;
    } while (marks[at] === gone);
  }

  /** The record with this hash that lay at `from` lies at `to` now. */
  move(hash: number, from: number, to: number): void {
    const { marks, cells, mask } = this.#of(hash);
    let at = hash & mask;
    while (cells[at] !== from || (marks[at] as number) < 0x80) at = (at + 1) & mask;
    cells[at] = to;
  }

  get bytes(): number {
    let bytes = 8 * this.#directory.length;
    for (const segment of new Set(this.#directory)) bytes += 5 * segment.cells.length;
    return bytes;
  }

  #of(hash: number): Segment {
    const directory = this.#directory;
    return directory[directory.length === 1 ? 0 : hash >>> this.#shift] as Segment;
  }

  /** Grows a full segment, cleans it of what is gone, or splits it. */
  #makeRoom(segment: Segment, hash: number): void {
    const cells = segment.cells.length;
    if (2 * segment.live < cells) this.#replace(segment, [new Segment(cells, segment.depth)], hash);
    else if (cells < segmentCellsMax || segment.depth === depthMax) {
      this.#replace(segment, [new Segment(2 * cells, segment.depth)], hash);
    } else {
      const depth = segment.depth + 1;
      const halves = [new Segment(cells, depth), new Segment(cells, depth)];
      this.#replace(segment, halves, hash);
    }
  }

  /** `by`: one segment, or the halves for the next bit of the hash. `hash`: of a key that belongs there. */
  #replace(segment: Segment, by: readonly Segment[], hash: number): void {
    if (by.length === 2 && 32 - this.#shift === segment.depth) this.#doubleDirectory();
    for (let at = 0; at <= segment.mask; at++) {
      if ((segment.marks[at] as number) < 0x80) continue;
      const address = segment.cells[at] as number;
      const its = this.#hashes.hashAt(address);
      const half = by.length === 2 ? (its >>> (31 - segment.depth)) & 1 : 0;
      (by[half] as Segment).put(its, address);
    }
    const width = 32 - this.#shift - segment.depth;
    const first = segment.depth === 0 ? 0 : (hash >>> (32 - segment.depth)) << width;
    const count = 2 ** width;
    for (let at = 0; at < count; at++) {
      const half = by.length === 2 && at >= count / 2 ? 1 : 0;
      this.#directory[first + at] = by[half] as Segment;
    }
  }

  #doubleDirectory(): void {
    const doubled: Segment[] = [];
    for (const segment of this.#directory) doubled.push(segment, segment);
    this.#directory = doubled;
    this.#shift--;
  }
}
