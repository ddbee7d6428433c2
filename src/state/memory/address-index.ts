// From hashes to addresses: an open hash table of buckets, which grows by pieces, so that no step of it is long.
//
// A bucket is 16 words of 32 bits, as long as a cache line
//   0..2   12 tags of a byte, one per cell: 0 for an empty one, else 7 bits of the hash and the high bit
//   3      how many addresses that belong here, or before, lie in a later bucket
//   4..15  12 cells: addresses

import { assert } from "../../assert.ts";
import { zeroBytes } from "./words.ts";

/** Buckets of the largest segment; a full one is split in two. */
const segmentBucketsMax = 256;
const bucketWords = 16;
const bucketShift = 4;
const tagWords = 3;
const overflow = 3;
const cells = 4;
const bucketCells = 12;
/** A segment with so many addresses per bucket, on average, is full. */
const bucketFill = 10;
/** So many keys of one hash never come by chance; should they come, their segment grows. */
const depthMax = 16;

/** Is the record at this address the wanted one? */
export interface Wanted {
  isAt(address: number): boolean;
}

/** The hash of the key in the record at this address. */
export interface Hashes {
  hashAt(address: number): number;
}

/** Looks for a record that lies at an address, whatever its key is. One object for all: a search calls nobody else. */
class At implements Wanted {
  address = 0;
  isAt(address: number): boolean {
    return address === this.address;
  }
}
const place = new At();

/** The tag of a hash in each byte of a word. */
const tagsOf = (hash: number): number => Math.imul(((hash >>> 12) & 0x7f) | 0x80, 0x01010101);
/** Which byte the lowest bit of a word lies in. */
const byteOf = (bits: number): number => (31 - Math.clz32(bits & -bits)) >>> 3;

/** Buckets are found by the low bits of a hash, segments by the high ones. */
class Segment {
  readonly words: Uint32Array;
  /** Of a bucket's number. */
  readonly mask: number;
  /** Bits of the hash, from the top, that all of its keys share. */
  readonly depth: number;
  size = 0;

  constructor(buckets: number, depth: number) {
    this.words = new Uint32Array(buckets * bucketWords);
    this.mask = buckets - 1;
    this.depth = depth;
  }

  get buckets(): number {
    return this.mask + 1;
  }
  get isFull(): boolean {
    return this.size >= bucketFill * this.buckets;
  }

  put(hash: number, address: number): void {
    const { words, mask } = this;
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const at = bucket << bucketShift;
      for (let word = 0; word < tagWords; word++) {
        const tags = words[at + word] as number;
        const empty = ~tags & 0x80808080;
        if (empty === 0) continue;
        const byte = byteOf(empty);
        words[at + word] = tags | (tagsOf(hash) & (0xff << (8 * byte)));
        words[at + cells + 4 * word + byte] = address;
        this.size++;
        return;
      }
      words[at + overflow] = (words[at + overflow] as number) + 1;
    }
  }

  /** The place of the wanted record's cell in `words`; 0, which is none, when it is not here. */
  find(hash: number, wanted: Wanted): number {
    const { words, mask } = this;
    const sought = tagsOf(hash);
    // Addresses may have gone past every bucket at once, each for another hash.
    for (let nth = 0; nth <= mask; nth++) {
      const at = ((hash + nth) & mask) << bucketShift;
      for (let word = 0; word < tagWords; word++) {
        let same = zeroBytes((words[at + word] as number) ^ sought);
        for (; same !== 0; same &= same - 1) {
          const cell = at + cells + 4 * word + byteOf(same);
          if (wanted.isAt(words[cell] as number)) return cell;
        }
      }
      if (words[at + overflow] === 0) return 0;
    }
    return 0;
  }

  /** Empties the cell whose place in `words` is given. */
  remove(hash: number, cell: number): void {
    const { words, mask } = this;
    const its = cell >>> bucketShift;
    const inBucket = (cell & (bucketWords - 1)) - cells;
    const tags = (its << bucketShift) + (inBucket >>> 2);
    words[tags] = (words[tags] as number) & ~(0xff << (8 * (inBucket & 3)));
    for (let bucket = hash & mask; bucket !== its; bucket = (bucket + 1) & mask) {
      const at = (bucket << bucketShift) + overflow;
      words[at] = (words[at] as number) - 1;
    }
    this.size--;
  }

  /** The places of all cells that hold an address. */
  *taken(): IterableIterator<number> {
    const { words } = this;
    for (let at = 0; at < words.length; at += bucketWords) {
      for (let cell = 0; cell < bucketCells; cell++) {
        const tag = ((words[at + (cell >>> 2)] as number) >>> (8 * (cell & 3))) & 0xff;
        if (tag !== 0) yield at + cells + cell;
      }
    }
  }

  /** Every bucket has counted exactly what went past it. */
  check(hashes: Hashes): void {
    const past = new Uint32Array(this.buckets);
    let size = 0;
    for (const cell of this.taken()) {
      size++;
      const hash = hashes.hashAt(this.words[cell] as number);
      const its = cell >>> bucketShift;
      for (let bucket = hash & this.mask; bucket !== its; bucket = (bucket + 1) & this.mask) {
        past[bucket] = (past[bucket] as number) + 1;
      }
    }
    assert(size === this.size, "a segment knows its size");
    for (const [bucket, count] of past.entries()) {
      const counted = this.words[(bucket << bucketShift) + overflow];
      assert(counted === count, `${count} went past bucket ${bucket}, ${counted} are counted`);
    }
  }
}

/**
 * A look-up reads one bucket and one record. Hashes are not kept; growing a segment reads the keys of at most 2,560
 * records.
 */
export class AddressIndex {
  size = 0;
  readonly #hashes: Hashes;
  /** 2^depth entries; segments of less depth stand in several. */
  #directory: Segment[];
  #shift = 32;
  /** What `find` has found: its hash, and the place of its cell. */
  #segment: Segment;
  #hash = 0;
  #cell = 0;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
    this.#segment = new Segment(1, 0);
    this.#directory = [this.#segment];
  }

  /** 0: there is none. */
  find(hash: number, wanted: Wanted): number {
    const segment = this.#of(hash);
    const cell = segment.find(hash, wanted);
    if (cell === 0) return 0;
    this.#segment = segment;
    this.#hash = hash;
    this.#cell = cell;
    return segment.words[cell] as number;
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
    this.#segment.words[this.#cell] = to;
  }

  /** Forgets the record that `find` found last. */
  removeFound(): void {
    this.#segment.remove(this.#hash, this.#cell);
    this.size--;
  }

  /** The record with this hash that lay at `from` lies at `to` now. What `find` has found stays found. */
  move(hash: number, from: number, to: number): void {
    const segment = this.#of(hash);
    place.address = from;
    const cell = segment.find(hash, place);
    assert(cell !== 0, "a record that moves is in the index");
    segment.words[cell] = to;
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    let size = 0;
    for (const segment of new Set(this.#directory)) {
      size += segment.size;
      segment.check(this.#hashes);
    }
    assert(size === this.size, `${size} addresses are there, ${this.size} are counted`);
  }

  get bytes(): number {
    let bytes = 8 * this.#directory.length;
    for (const { words } of new Set(this.#directory)) bytes += words.byteLength;
    return bytes;
  }

  #of(hash: number): Segment {
    const directory = this.#directory;
    return directory[directory.length === 1 ? 0 : hash >>> this.#shift] as Segment;
  }

  /** Grows a full segment, or splits it. */
  #makeRoom(segment: Segment, hash: number): void {
    const { buckets, depth } = segment;
    if (buckets < segmentBucketsMax || depth === depthMax) {
      this.#replace(segment, [new Segment(2 * buckets, depth)], hash);
    } else {
      const halves = [new Segment(buckets, depth + 1), new Segment(buckets, depth + 1)];
      this.#replace(segment, halves, hash);
    }
  }

  /** `by`: one segment, or the halves for the next bit of the hash. `hash`: of a key that belongs there. */
  #replace(segment: Segment, by: readonly Segment[], hash: number): void {
    if (by.length === 2 && 32 - this.#shift === segment.depth) this.#doubleDirectory();
    for (const cell of segment.taken()) {
      const address = segment.words[cell] as number;
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
