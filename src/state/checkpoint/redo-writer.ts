// Writes a redo file while a checkpoint is encoded; giving it its final name is the switch to the new checkpoint.

import { dirname, join } from "node:path";
import { assert } from "../../assert.ts";
import { redoChunkBytes } from "../../constants.ts";
import { type Files, temporaryOf, writeWhole } from "../../disk.ts";
import type { RecordSink } from "./checkpoint.ts";
import { metaKey } from "./meta.ts";
import { encodeRedoHead, firstLink, RedoChunk, type RedoKind, redoKind } from "./redo-chunk.ts";

/** In LevelDB's directory, which leaves files alone whose names are none of its own; so both move together. */
export const redoPath = (directory: string): string => join(directory, "redo");

const nothing = Buffer.alloc(0);
/** One chunk is filled while the other is written. */
const keptChunks = 2;

/**
 * Takes operations at any time, also while it writes; `drain` writes what has become whole chunks. What comes in
 * meanwhile waits in memory: what entries are about to change. That is `redoWaitingBytesMax` and what one step of an
 * entry changes, because no further step is taken then (`Machine.isHeldUp`). Every rejection is the system's error: then
 * the process must end.
 */
export class RedoWriter implements RecordSink {
  readonly #files: Files;
  readonly #path: string;
  readonly #wrote: (bytes: number) => void;
  #filling = new RedoChunk(redoChunkBytes);
  /** Bytes of whole chunks that are not on disk yet. */
  waitingBytes = 0;
  readonly #full: RedoChunk[] = [];
  readonly #free: RedoChunk[] = [];
  #fd = -1;
  #at = 0;
  #link = 0;

  constructor(files: Files, path: string, wrote: (bytes: number) => void) {
    this.#files = files;
    this.#path = path;
    this.#wrote = wrote;
  }

  /** First: makes the file, under a temporary name. */
  async begin(): Promise<void> {
    this.#fd = await this.#files.create(temporaryOf(this.#path), 0o600);
    const head = encodeRedoHead();
    await this.#write([head]);
    this.#link = firstLink(head);
  }

  put(key: Buffer, value: Buffer): void {
    this.#add(redoKind.put, key, value);
  }

  del(key: Buffer): void {
    this.#add(redoKind.del, key, nothing);
  }

  clearRange(from: Buffer, to: Buffer): void {
    this.#add(redoKind.clearRange, from, to);
  }

  /** Writes all chunks that are full, those of meanwhile included: all that there are by one write. */
  async drain(): Promise<void> {
    while (this.#full.length > 0) {
      const chunks = this.#full.splice(0);
      const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
      await this.#writeChunks(chunks);
      this.waitingBytes -= bytes;
      for (const chunk of chunks) this.#keep(chunk);
    }
  }

  /** At last, the switch: when it resolves, the whole file is on disk under its final name. */
  async finish(meta: Buffer): Promise<void> {
    this.#add(redoKind.end, metaKey, meta);
    await this.drain();
    await this.#writeChunks([this.#filling]);
    assert(this.#full.length === 0, "nothing is put after the end");
    await this.#files.sync(this.#fd);
    await this.#files.close(this.#fd);
    await this.#files.rename(temporaryOf(this.#path), this.#path);
    await this.#files.syncDirectory(dirname(this.#path));
  }

  #add(kind: RedoKind, key: Buffer, value: Buffer): void {
    const bytes = RedoChunk.bytesOf(key, value);
    if (!this.#filling.hasRoomFor(bytes)) this.#nextChunk(bytes);
    this.#filling.add(kind, key, value);
  }

  /** An operation that is larger than a chunk gets one of its size. */
  #nextChunk(bytes: number): void {
    if (this.#filling.isEmpty) this.#keep(this.#filling);
    else {
      this.#full.push(this.#filling);
      this.waitingBytes += this.#filling.length;
    }
    const spare = bytes > redoChunkBytes ? undefined : this.#free.pop();
    this.#filling = spare ?? new RedoChunk(Math.max(bytes, redoChunkBytes));
  }

  #keep(chunk: RedoChunk): void {
    const isUsual = chunk.capacity === redoChunkBytes;
    if (isUsual && this.#free.length < keptChunks) this.#free.push(chunk);
  }

  async #writeChunks(chunks: readonly RedoChunk[]): Promise<void> {
    const buffers = chunks.map((chunk) => {
      const { bytes, link } = chunk.seal(this.#link);
      this.#link = link;
      return bytes;
    });
    await this.#write(buffers);
    for (const chunk of chunks) chunk.clear();
  }

  async #write(buffers: readonly Buffer[]): Promise<void> {
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    await writeWhole(this.#files, this.#fd, buffers, this.#at);
    this.#at += bytes;
    this.#wrote(bytes);
  }
}
