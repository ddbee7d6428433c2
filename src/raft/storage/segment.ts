// One file of the log: its descriptor, how far it is used, and a sparse map from index to offset.

/** Between two points lie at most this many entries and, but for one large entry, bytes. */
const pointEntries = 64;
const pointBytes = 64 * 1024;

/** Offsets of some entries, ascending by index; what lies between is found by walking. */
class Points {
  #indexes = new Float64Array(16);
  #offsets = new Float64Array(16);
  #length = 0;
  #next = -1;

  get length(): number {
    return this.#length;
  }

  index(at: number): number {
    return this.#indexes[at] ?? -1;
  }

  offset(at: number): number {
    return this.#offsets[at] ?? -1;
  }

  /** The last point at or below an index; -1 when there is none. */
  find(index: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.index(middle) <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Tells of an entry. An entry that does not follow the one before always becomes a point. */
  add(index: number, offset: number): void {
    const last = this.#length - 1;
    const near =
      index === this.#next &&
      last >= 0 &&
      index - this.index(last) < pointEntries &&
      offset - this.offset(last) < pointBytes;
    this.#next = index + 1;
    if (near) return;
    if (this.#length === this.#indexes.length) this.#grow();
    this.#indexes[this.#length] = index;
    this.#offsets[this.#length] = offset;
    this.#length += 1;
  }

  /** Drops the points at and above an index. */
  truncate(index: number): void {
    while (this.#length > 0 && this.index(this.#length - 1) >= index) this.#length -= 1;
    this.#next = -1;
  }

  #grow(): void {
    const indexes = new Float64Array(2 * this.#length);
    const offsets = new Float64Array(2 * this.#length);
    indexes.set(this.#indexes);
    offsets.set(this.#offsets);
    this.#indexes = indexes;
    this.#offsets = offsets;
  }
}

/**
 * A file grows by this much at once, with zeros: most saves then change no size, and the file
 * system has nothing to log for them. Measured on ext4 with O_DSYNC: 61 µs against 89 µs a save.
 */
export const growthBytes = 256 * 1024;

export const zeros: Uint8Array = Buffer.alloc(growthBytes);

/** The size of a file that holds this much: it grows before such a write, or with it. */
export const allocatedFor = (end: number): number => Math.ceil(end / growthBytes) * growthBytes;

export class Segment {
  readonly number: number;
  readonly path: string;
  readonly fd: number;
  readonly mark: Buffer;
  readonly points = new Points();
  /** Where the next save goes. */
  end: number;
  /** Size of the file; zeros from `end` on. */
  allocated: number;

  constructor(
    place: { readonly number: number; readonly path: string; readonly fd: number },
    content: { readonly mark: Buffer; readonly end: number; readonly allocated: number },
  ) {
    this.number = place.number;
    this.path = place.path;
    this.fd = place.fd;
    this.mark = content.mark;
    this.end = content.end;
    this.allocated = content.allocated;
  }
}

/** Forgets where the entries at and above an index stand: they are overwritten. */
export function truncatePoints(segments: readonly Segment[], index: number): void {
  for (const segment of segments.toReversed()) {
    const highest = segment.points.index(segment.points.length - 1);
    segment.points.truncate(index);
    if (highest >= 0 && highest < index) return;
  }
}
