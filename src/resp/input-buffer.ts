// Bytes as they arrive from a socket, joined only where a request needs them in one piece.

const nothing: Buffer = Buffer.alloc(0);

/** Smaller chunks are copied together, so that a slow sender cannot cost an object per byte. */
const smallChunkBytes = 1024;
const tailBytesMin = 256;
const tailBytesMax = 64 * 1024;
/** Memory that a left-over may keep alive: four times itself and this. */
const retainedSlackBytes = 8 * 1024;

/**
 * The bytes [from, filled) of `bytes` are readable in one piece; chunks beyond them wait in a list.
 * What was once readable is never overwritten or moved within its buffer, so slices stay valid.
 * Copying is linear in what arrives: a join at least doubles, or waits for a known length.
 */
export class InputBuffer {
  bytes: Buffer = nothing;
  /** End of the readable part of `bytes`. */
  filled = 0;
  /** Bytes copied since the start, for tests that count. */
  bytesCopied = 0;

  #ownsBytes = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The last of `#waiting` is still the caller's. */
  #borrowsLast = false;
  #tail: Buffer = nothing;
  #tailFilled = 0;

  /** Bytes that have arrived and are not readable yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Its own memory, about. */
  get memoryBytes(): number {
    return (this.#ownsBytes ? this.bytes.length : 0) + this.#waitingBytes;
  }

  /** Readable bytes that stay as they are: no copy, unless they are the caller's. */
  kept(start: number, end: number): Buffer {
    const bytes = this.bytes.subarray(start, end);
    return this.#ownsBytes ? bytes : Buffer.from(bytes);
  }

  /** Replaces everything by bytes that are readable at once. They stay the caller's. */
  load(bytes: Buffer, filled: number): void {
    this.bytes = bytes;
    this.filled = filled;
    this.#ownsBytes = false;
    if (this.#waitingBytes > 0) this.#forgetWaiting();
  }

  clear(): void {
    this.bytes = nothing;
    this.filled = 0;
    this.#ownsBytes = false;
    this.#forgetWaiting();
  }

  /** More bytes. They stay the caller's, who calls `own` before they change. */
  push(chunk: Buffer): void {
    this.#ownLast();
    const hasRoom = this.#ownsBytes && this.bytes.length - this.filled >= chunk.length;
    if (hasRoom && this.#waitingBytes === 0) {
      this.#copy(chunk, this.bytes, this.filled);
      this.filled += chunk.length;
      return;
    }
    const rest = this.#fillTail(chunk);
    if (rest.length > 0 && rest.length < smallChunkBytes && this.#waitingBytes > 0) {
      this.#openTail(rest);
    } else if (rest.length > 0) {
      this.#waiting.push(rest);
      this.#borrowsLast = true;
    }
    this.#waitingBytes += chunk.length;
  }

  /**
   * Tries to make at least `needed` bytes readable from place `from`, which is then place 0 or stays
   * where it is. Returns the new place, or -1 when too little has arrived.
   */
  gather(from: number, needed: number): number {
    const left = this.filled - from;
    if (left + this.#waitingBytes < needed || this.#waitingBytes === 0) return -1;
    this.#sealTail();
    if (left === 0) return this.#takeFirst();
    if (this.#ownsBytes && this.bytes.length - this.filled >= this.#waitingBytes) {
      this.#appendWaiting();
      return from;
    }
    const room = Math.max(left + this.#waitingBytes, 2 * left, tailBytesMin);
    this.#moveLeft(from, Buffer.allocUnsafe(room));
    this.#appendWaiting();
    return 0;
  }

  /**
   * Lets go of a large buffer of which only a small part, from place `from` on, is still wanted.
   * Returns the new place. Nobody may hold places in `bytes` any more.
   */
  compact(from: number): number {
    const left = this.filled - from;
    if (left === 0) {
      this.bytes = nothing;
      this.filled = 0;
      this.#ownsBytes = false;
      return 0;
    }
    if (this.bytes.buffer.byteLength <= 4 * left + retainedSlackBytes) return from;
    this.#moveLeft(from, Buffer.allocUnsafe(Math.max(left, tailBytesMin)));
    return 0;
  }

  /**
   * Copies what is still wanted, from place `from` on, out of buffers that are not its own. Returns the
   * new place. Nobody may hold places in `bytes` any more.
   */
  own(from: number): number {
    this.#ownLast();
    const left = this.filled - from;
    if (left === 0 || this.#ownsBytes) return this.compact(from);
    this.#moveLeft(from, Buffer.allocUnsafe(Math.max(left, tailBytesMin)));
    return 0;
  }

  #ownLast(): void {
    if (!this.#borrowsLast) return;
    const last = this.#waiting.pop() ?? nothing;
    this.#waiting.push(Buffer.from(last));
    this.bytesCopied += last.length;
    this.#borrowsLast = false;
  }

  /** Copies what fits into the open tail, so that no tail is left mostly empty; returns the rest. */
  #fillTail(chunk: Buffer): Buffer {
    if (this.#tailFilled === 0) return chunk;
    const part = chunk.subarray(0, this.#tail.length - this.#tailFilled);
    this.#copy(part, this.#tail, this.#tailFilled);
    this.#tailFilled += part.length;
    if (this.#tailFilled === this.#tail.length) this.#sealTail();
    return chunk.subarray(part.length);
  }

  #openTail(rest: Buffer): void {
    const room = Math.min(tailBytesMax, Math.max(tailBytesMin, this.#waitingBytes));
    this.#tail = Buffer.allocUnsafe(Math.max(room, rest.length + 1));
    this.#copy(rest, this.#tail, 0);
    this.#tailFilled = rest.length;
  }

  #sealTail(): void {
    if (this.#tailFilled > 0) this.#waiting.push(this.#tail.subarray(0, this.#tailFilled));
    this.#tail = nothing;
    this.#tailFilled = 0;
  }

  #takeFirst(): number {
    const first = this.#waiting.shift() ?? nothing;
    this.#waitingBytes -= first.length;
    this.bytes = first;
    this.filled = first.length;
    this.#ownsBytes = this.#waiting.length > 0 || !this.#borrowsLast;
    if (!this.#ownsBytes) this.#borrowsLast = false;
    return 0;
  }

  #moveLeft(from: number, to: Buffer): void {
    const left = this.filled - from;
    this.bytes.copy(to, 0, from, this.filled);
    this.bytesCopied += left;
    this.bytes = to;
    this.filled = left;
    this.#ownsBytes = true;
  }

  #appendWaiting(): void {
    for (const chunk of this.#waiting) {
      this.#copy(chunk, this.bytes, this.filled);
      this.filled += chunk.length;
    }
    this.#forgetWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#borrowsLast = false;
    this.#tail = nothing;
    this.#tailFilled = 0;
  }

  #copy(chunk: Buffer, to: Buffer, at: number): void {
    chunk.copy(to, at);
    this.bytesCopied += chunk.length;
  }
}
