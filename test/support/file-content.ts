// The bytes of a simulated file. Zeros at its end take no memory: files of the log are mostly room for more.

const block = Buffer.alloc(4096);

/** Where the zeros at the end begin, found in whole blocks. */
function usedLength(bytes: Buffer): number {
  let used = bytes.length;
  while (
    used >= block.length &&
    bytes.compare(block, 0, block.length, used - block.length, used) === 0
  ) {
    used -= block.length;
  }
  return used;
}

export class FileContent {
  size: number;
  /** Zero from `#used` on; the file goes on with zeros behind it, up to `size`. */
  #bytes: Buffer;
  #used: number;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#used = usedLength(bytes);
    this.#bytes = Buffer.from(bytes.subarray(0, this.#used));
    this.size = bytes.length;
  }

  copy(): FileContent {
    const copy = new FileContent(this.#bytes.subarray(0, this.#used));
    copy.size = this.size;
    return copy;
  }

  /** All of it, in memory of its own. */
  whole(): Buffer {
    const whole = Buffer.alloc(this.size);
    this.#bytes.copy(whole, 0, 0, this.#used);
    return whole;
  }

  /** All of it, in place: whoever changes it changes the file. */
  live(): Buffer {
    this.#reserve(this.size);
    this.#used = this.size;
    return this.#bytes.subarray(0, this.size);
  }

  write(bytes: Buffer, at: number): void {
    const end = at + bytes.length;
    const used = at + usedLength(bytes);
    this.#reserve(used);
    bytes.copy(this.#bytes, at, 0, used - at);
    if (this.#used > used) this.#bytes.fill(0, used, Math.min(this.#used, end));
    this.#used = Math.max(this.#used, used);
    this.size = Math.max(this.size, end);
  }

  /** As of a descriptor: the number of bytes, 0 at the end. */
  read(into: Buffer, position: number): number {
    const length = Math.max(0, Math.min(into.length, this.size - position));
    const stored = Math.max(0, Math.min(length, this.#used - position));
    if (stored > 0) this.#bytes.copy(into, 0, position, position + stored);
    into.fill(0, stored, length);
    return length;
  }

  /** Shortens only. */
  truncate(size: number): void {
    if (size < this.#used) {
      this.#bytes.fill(0, size, this.#used);
      this.#used = size;
    }
    this.size = Math.min(this.size, size);
  }

  #reserve(used: number): void {
    if (used <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(1024, used, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}
