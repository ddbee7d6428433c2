// A file that takes space as long as there is enough, so that a node on a full disk can start and free some.

import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { diskReservePieceBytes, scarceBytes } from "../../constants.ts";
import { type Files, temporaryOf, writeWhole } from "../../disk.ts";
import { isFullDisk } from "../../system-error.ts";
import { type DiskSpace, diskFloor, lastSpace, reserveSize } from "./disk-space.ts";

const reserveName = "reserve";

/**
 * A start writes a few small files, and LevelDB writes its log anew as a table; to delete keys takes some log and a
 * checkpoint. On a disk that something else has filled there is no space for any of it but in this file, which is removed then.
 * It is made when space gets scarce, and again when there is enough: on a roomy disk there is none.
 */
export class DiskReserve {
  readonly #files: Files;
  readonly #path: string;
  #isThere: boolean;
  #work: Promise<void> | null = null;
  #isClosed = false;

  constructor(files: Files, path: string, isThere: boolean) {
    this.#files = files;
    this.#path = path;
    this.#isThere = isThere;
  }

  /** In a data directory whose lock is held, before anything is written there: gives way when the disk is full. */
  static async open(
    files: Files,
    directory: string,
    measure: () => Promise<DiskSpace>,
  ): Promise<DiskReserve> {
    const path = join(directory, reserveName);
    await files.remove(temporaryOf(path));
    const isThere = (await files.list(directory)).includes(reserveName);
    const reserve = new DiskReserve(files, path, isThere);
    const space = await measure();
    // More than `lastSpace`: a start needs space itself.
    if (isThere && space.total > 0 && space.free < reserveSize(space)) await reserve.#release();
    return reserve;
  }

  get isThere(): boolean {
    return this.#isThere;
  }

  /** After each look at the disk. Rejects when the disk fails in another way than by being full. */
  follow(space: DiskSpace): Promise<void> {
    if (this.#work !== null || this.#isClosed || space.total === 0) return Promise.resolve();
    const work = this.#workFor(space);
    if (work === null) return Promise.resolve();
    this.#work = work.finally(() => {
      this.#work = null;
    });
    return this.#work;
  }

  /** Gives way, if so many bytes are free then. */
  async give(space: DiskSpace, bytes: number): Promise<void> {
    await this.#work;
    if (this.#isThere && space.free + reserveSize(space) > bytes) await this.#release();
  }

  /** What is half made is removed by the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work?.catch(() => undefined);
  }

  #workFor(space: DiskSpace): Promise<void> | null {
    if (this.#isThere) return space.free < lastSpace(space) ? this.#release() : null;
    const bytes = reserveSize(space);
    const left = space.free - bytes;
    // A node that its own data keeps at the floor needs a reserve as well.
    const isWanted = left > diskFloor(space) / 2 && left < diskFloor(space) + scarceBytes;
    return isWanted ? this.#make(bytes) : null;
  }

  async #release(): Promise<void> {
    this.#isThere = false;
    await this.#files.remove(this.#path);
  }

  async #make(bytes: number): Promise<void> {
    const temporary = temporaryOf(this.#path);
    try {
      const fd = await this.#files.create(temporary, 0o600);
      try {
        await this.#fill(fd, bytes);
      } finally {
        await this.#files.close(fd);
      }
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      await this.#files.remove(temporary);
      return;
    }
    if (this.#isClosed) return;
    await this.#files.rename(temporary, this.#path);
    this.#isThere = true;
  }

  /** With chance: a file system that compresses would keep no space for zeros. */
  async #fill(fd: number, bytes: number): Promise<void> {
    const piece = randomFillSync(Buffer.allocUnsafe(Math.min(bytes, diskReservePieceBytes)));
    for (let at = 0; at < bytes && !this.#isClosed; at += piece.length) {
      await writeWhole(this.#files, fd, [piece.subarray(0, bytes - at)], at);
    }
  }
}
