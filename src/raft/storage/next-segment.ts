// The file of the next segment, made ahead of time: a roll stalls no save, and no save makes its file grow.

import { join } from "node:path";
import { type Files, temporaryOf, writeWhole } from "../../disk.ts";
import { isFullDisk } from "../../system-error.ts";
import { allocatedFor, zeros } from "./segment.ts";

/** The name under which a segment is prepared, until it has a number. */
export const preparedName = temporaryOf("next.segment");

/** A file of zeros, all of it on disk. */
export interface PreparedFile {
  readonly path: string;
  readonly fd: number;
  readonly bytes: number;
}

export interface NextSegmentOptions {
  readonly files: Files;
  readonly directory: string;
  readonly segmentBytes: number;
  /** Whether the disk has so many bytes to spare. */
  readonly hasSpace: (bytes: number) => Promise<boolean>;
  /** The disk failed in another way than by being full. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Files are not used a second time: old saves in the place of zeros would make a torn save look like a
 * damaged one, and to write zeros over them costs as much as a new file.
 */
export class NextSegment {
  readonly #options: NextSegmentOptions;
  #state: "none" | "preparing" | "ready" | "no space" = "none";
  #file: PreparedFile | null = null;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: NextSegmentOptions) {
    this.#options = options;
  }

  /** To be called as often as one likes while the present segment fills up. */
  prepare(): void {
    if (this.#state !== "none" || this.#closed) return;
    this.#state = "preparing";
    this.#work = this.#prepare().catch((error: unknown) => this.#options.onFailure(error));
  }

  /** The prepared file, which is the caller's from now on; null when none is ready. */
  claim(): PreparedFile | null {
    if (this.#state === "preparing") return null; // It will serve the segment after the next one.
    const file = this.#file;
    this.#file = null;
    this.#state = "none";
    return file;
  }

  async #prepare(): Promise<void> {
    const { files, directory, segmentBytes, hasSpace } = this.#options;
    const bytes = allocatedFor(segmentBytes);
    const path = join(directory, preparedName);
    try {
      if (await hasSpace(bytes)) {
        this.#file = { path, bytes, fd: await files.create(path, 0o600) };
        await this.#fill(this.#file);
        this.#state = "ready";
        return;
      }
    } catch (error) {
      if (!isFullDisk(error)) throw error;
    }
    this.#state = "no space";
    await this.#discard(path);
  }

  /** Piece by piece, so that saves come in between. */
  async #fill({ fd, bytes }: PreparedFile): Promise<void> {
    const { files } = this.#options;
    for (let at = 0; at < bytes && !this.#closed; at += zeros.length) {
      await writeWhole(files, fd, [zeros], at);
    }
    await files.sync(fd);
  }

  async #discard(path: string): Promise<void> {
    const { files } = this.#options;
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    await files.close(file.fd);
    await files.remove(path);
  }

  /** What was prepared stays as a file, which the next opening removes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    if (this.#file !== null) await this.#options.files.close(this.#file.fd);
    this.#file = null;
  }
}
