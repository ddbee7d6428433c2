// The few file operations of the log, as a port: tests put failures in here.

import * as callbacks from "node:fs";
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { promisify } from "node:util";

/** Every failure is an Error; nothing is retried. */
export interface LogFiles {
  /**
   * Writes at a position of a file from `create` or `open`; done means that the bytes are on disk
   * (O_DSYNC). `written` below the length of the buffers is a short write.
   */
  write(
    fd: number,
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void;
  /** Blocks; the number of bytes read, 0 at the end of the file. */
  read(fd: number, into: Buffer, position: number): number;
  /** A new empty file; one of that name is emptied. */
  create(path: string): Promise<number>;
  /** An existing file, for reading and writing. */
  open(path: string): Promise<{ readonly fd: number; readonly size: number }>;
  truncate(fd: number, size: number): Promise<void>;
  sync(fd: number): Promise<void>;
  close(fd: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** A whole small file; null when it is not there. */
  readWhole(path: string): Promise<Buffer | null>;
}

const { O_RDWR, O_DSYNC, O_CREAT, O_TRUNC } = callbacks.constants;
// Plain descriptors, not FileHandles: the write path takes callbacks and no promise.
const openDescriptor = promisify(callbacks.open);
const statDescriptor = promisify(callbacks.fstat);

/** The real disk. */
export const diskFiles: LogFiles = {
  write(fd, buffers, position, done) {
    const [only] = buffers;
    if (only !== undefined && buffers.length === 1) {
      callbacks.write(fd, only, 0, only.byteLength, position, done);
    } else callbacks.writev(fd, buffers, position, done);
  },
  read: (fd, into, position) => callbacks.readSync(fd, into, 0, into.length, position),
  create: (path) => openDescriptor(path, O_RDWR | O_DSYNC | O_CREAT | O_TRUNC, 0o600),
  async open(path) {
    const fd = await openDescriptor(path, O_RDWR | O_DSYNC);
    const { size } = await statDescriptor(fd);
    return { fd, size };
  },
  truncate: promisify(callbacks.ftruncate),
  sync: promisify(callbacks.fsync),
  close: promisify(callbacks.close),
  rename,
  remove: unlink,
  async syncDirectory(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: (path) => readdir(path),
  async readWhole(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  },
};

/** Writes at a position, wholly or not at all as far as the caller can tell. */
export function writeWhole(
  files: LogFiles,
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    files.write(fd, buffers, position, (error, written) => {
      const problem = error ?? shortWrite(buffers, written);
      if (problem === null) resolve();
      else reject(problem);
    });
  });
}

/** A full disk may show as fewer bytes written and no error. */
export function shortWrite(buffers: readonly Uint8Array[], written: number): Error | null {
  const length = buffers.reduce((sum, part) => sum + part.byteLength, 0);
  return written === length ? null : new Error(`short write: ${written} of ${length} bytes`);
}

export const temporarySuffix = ".tmp";

/** Puts a file in place in one step: after a crash there is the old one or the new one, whole. */
export async function replaceFile(
  files: LogFiles,
  place: { readonly directory: string; readonly path: string },
  content: readonly Uint8Array[],
): Promise<number> {
  const temporary = place.path + temporarySuffix;
  const fd = await files.create(temporary);
  await writeWhole(files, fd, content, 0);
  await files.sync(fd);
  await files.rename(temporary, place.path);
  await files.syncDirectory(place.directory);
  return fd;
}
