// Reads a redo file, and proves that it is what was written.

import { crc32 } from "node:zlib";
import type { Files } from "../../disk.ts";
import { CheckpointError, damaged } from "./level.ts";
import {
  chunkHeadBytes,
  firstLink,
  readChunkHead,
  redoFormat,
  redoFormatOf,
  redoHeadBytes,
} from "./redo-chunk.ts";

/** Rejects and throws CheckpointErrors, and errors of the system. */
export class RedoReader {
  readonly #files: Files;
  readonly #fd: number;
  readonly #size: number;
  readonly #head: Buffer = Buffer.alloc(chunkHeadBytes);
  #at = 0;
  #link = 0;
  #memory: Buffer = Buffer.alloc(0);

  /** Use `RedoReader.open`. */
  constructor(files: Files, fd: number, size: number) {
    this.#files = files;
    this.#fd = fd;
    this.#size = size;
  }

  static async open(files: Files, path: string): Promise<RedoReader> {
    const { fd, size } = await files.open(path);
    const reader = new RedoReader(files, fd, size);
    try {
      reader.#begin();
    } catch (error) {
      await files.close(fd);
      throw error;
    }
    return reader;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#size;
  }

  /** The operations of the next chunk, good until the next call; null at the end of the file. */
  next(): Buffer | null {
    if (this.isAtEnd) return null;
    this.#fill(this.#head);
    const chunk = readChunkHead(this.#head, this.#link);
    if (chunk === null) throw damaged("the redo file has a chunk that is not the next one");
    if (chunk.length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(chunk.length);
    const operations = this.#memory.subarray(0, chunk.length);
    this.#fill(operations);
    if (crc32(operations) !== chunk.checksum) {
      throw damaged("a chunk of the redo file has a wrong checksum");
    }
    this.#link = chunk.link;
    return operations;
  }

  close(): Promise<void> {
    return this.#files.close(this.#fd);
  }

  #begin(): void {
    const head = Buffer.alloc(redoHeadBytes);
    this.#fill(head);
    const format = redoFormatOf(head);
    if (format === null) throw damaged("the redo file is none of kvorum");
    if (format !== redoFormat) {
      throw new CheckpointError(
        `the redo file of the checkpoint was written by another version of kvorum (format ${format}, ` +
          `this one reads ${redoFormat}): start that version`,
      );
    }
    this.#link = firstLink(head);
  }

  #fill(into: Buffer): void {
    for (let filled = 0; filled < into.length; ) {
      const read = this.#files.read(this.#fd, into.subarray(filled), this.#at + filled);
      if (read === 0) throw damaged("the redo file is cut short");
      filled += read;
    }
    this.#at += into.length;
  }
}
