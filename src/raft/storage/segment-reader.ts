// Reads one segment file through a window: what is read twice in a row is read from the disk once.

import type { Files } from "../../disk.ts";

const windowBytes = 256 * 1024;

export class SegmentReader {
  /** Valid at the positions that `locate` returned last. */
  buffer: Buffer = Buffer.alloc(0);
  readonly #files: Files;
  readonly #fd: number;
  #start = 0;
  #length = 0;
  /** Nothing at or beyond this offset is read. */
  readonly end: number;

  constructor(files: Files, fd: number, end: number) {
    this.#files = files;
    this.#fd = fd;
    this.end = end;
  }

  /** Where in `buffer` the bytes [at, at + length) of the file stand; -1 when the file ends before. */
  locate(at: number, length: number): number {
    if (at + length > this.end) return -1;
    if (at < this.#start || at + length > this.#start + this.#length) this.#fill(at, length);
    return at + length <= this.#start + this.#length ? at - this.#start : -1;
  }

  /** The bytes from an offset on that can be had without another read; at least one, at most a window. */
  ahead(at: number): Buffer {
    const position = this.locate(at, Math.min(windowBytes, this.end - at));
    return position < 0
      ? this.buffer.subarray(0, 0)
      : this.buffer.subarray(position, Math.min(this.#length, position + windowBytes));
  }

  #fill(at: number, length: number): void {
    const wanted = Math.min(Math.max(length, windowBytes), this.end - at);
    // A record larger than the window gets a buffer of its own, once; the file's own length bounds its size.
    if (this.buffer.length < wanted || this.buffer.length > Math.max(windowBytes, wanted)) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(windowBytes, this.end)));
    }
    this.#start = at;
    this.#length = 0;
    while (this.#length < wanted) {
      const rest = this.buffer.subarray(this.#length, wanted);
      const read = this.#files.read(this.#fd, rest, at + this.#length);
      if (read === 0) break;
      this.#length += read;
    }
  }
}
