// Chunks: records of a checkpoint on their way to another node, one after the other.
//
// Record  key length u16, value length u32, both little endian; record key; value (see record.ts)
//
// Each record has its own checksum, so a chunk needs none.

const lengthsBytes = 6;
/** Of one record in a chunk: lengths, key, and a value of an empty key and an empty string. */
export const chunkRecordBytesMin: number = lengthsBytes + 13 + 9;

/** Collects the records of one chunk. */
export class ChunkBuilder {
  readonly #bytesMax: number;
  readonly #records: (readonly [Buffer, Buffer])[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Records that still fit if they are small. */
  get room(): number {
    return Math.max(1, Math.floor((this.#bytesMax - this.#bytes) / chunkRecordBytesMin));
  }

  /** False when the record does not fit any more; the first one always does. */
  add(key: Buffer, value: Buffer): boolean {
    const bytes = this.#bytes + lengthsBytes + key.length + value.length;
    if (bytes > this.#bytesMax && this.#records.length > 0) return false;
    this.#records.push([key, value]);
    this.#bytes = bytes;
    return true;
  }

  /** Null when there is no record. `last` is the key of the last one. */
  take(): { chunk: Buffer; last: Buffer; records: number } | null {
    const last = this.#records.at(-1)?.[0];
    if (last === undefined) return null;
    const chunk = Buffer.allocUnsafe(this.#bytes);
    let at = 0;
    for (const [key, value] of this.#records) {
      at = chunk.writeUInt16LE(key.length, at);
      at = chunk.writeUInt32LE(value.length, at);
      at += key.copy(chunk, at);
      at += value.copy(chunk, at);
    }
    return { chunk, last, records: this.#records.length };
  }
}

/** Reads a chunk of a peer. Allocates nothing by what a length says. */
export class ChunkReader {
  /** Of the record that was read last: parts of the chunk, not copies. */
  key: Buffer;
  value: Buffer;
  /** What is wrong, once `next` has returned false; null at an orderly end. */
  problem: string | null = null;

  readonly #chunk: Buffer;
  #at = 0;

  constructor(chunk: Buffer) {
    this.#chunk = chunk;
    this.key = chunk;
    this.value = chunk;
    if (chunk.length === 0) this.problem = "a chunk has no record";
  }

  next(): boolean {
    const chunk = this.#chunk;
    const left = chunk.length - this.#at;
    if (left === 0) return false;
    if (left < lengthsBytes) return this.#isCut();
    const keyAt = this.#at + lengthsBytes;
    const valueAt = keyAt + chunk.readUInt16LE(this.#at);
    const end = valueAt + chunk.readUInt32LE(this.#at + 2);
    if (end > chunk.length) return this.#isCut();
    this.key = chunk.subarray(keyAt, valueAt);
    this.value = chunk.subarray(valueAt, end);
    this.#at = end;
    return true;
  }

  #isCut(): false {
    this.problem = "a chunk ends within a record";
    return false;
  }
}
