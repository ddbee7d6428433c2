// The disk as a port: tests put one in its place that loses power after any operation, or fails.

import * as callbacks from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "./system-error.ts";

/** Every failure is the system's error; nothing is retried. */
export interface Files {
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
  /** A new empty file; one of that name is emptied, and keeps its mode. */
  create(path: string, mode: number): Promise<number>;
  /** An existing file, for reading and writing. */
  open(path: string): Promise<{ readonly fd: number; readonly size: number }>;
  truncate(fd: number, size: number): Promise<void>;
  sync(fd: number): Promise<void>;
  close(fd: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all that it holds; a path that does not exist is no error. */
  remove(path: string): Promise<void>;
  /** Makes names that were created, renamed or removed in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** For the owner alone (0700). Rejects when it is there already, and when its parent is not. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory. Rejects with ENOENT and ENOTDIR. */
  list(path: string): Promise<readonly string[]>;
  /** A whole small file; null when it is not there. */
  readWhole(path: string): Promise<Buffer | null>;
}

const { O_RDWR, O_DSYNC, O_CREAT, O_TRUNC } = callbacks.constants;
// Plain descriptors, not FileHandles: the write path takes callbacks and no promise.
const openDescriptor = promisify(callbacks.open);
const statDescriptor = promisify(callbacks.fstat);

/** The real disk. */
export const diskFiles: Files = {
  write(fd, buffers, position, done) {
    const [only] = buffers;
    if (only !== undefined && buffers.length === 1) {
      callbacks.write(fd, only, 0, only.byteLength, position, done);
    } else callbacks.writev(fd, buffers, position, done);
  },
  read: (fd, into, position) => callbacks.readSync(fd, into, 0, into.length, position),
  create: (path, mode) => openDescriptor(path, O_RDWR | O_DSYNC | O_CREAT | O_TRUNC, mode),
  async open(path) {
    const fd = await openDescriptor(path, O_RDWR | O_DSYNC);
    const { size } = await statDescriptor(fd);
    return { fd, size };
  },
  truncate: promisify(callbacks.ftruncate),
  sync: promisify(callbacks.fsync),
  close: promisify(callbacks.close),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async makeDirectory(path) {
    await mkdir(path, { mode: 0o700 });
  },
  list: (path) => readdir(path),
  async readWhole(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  },
};

/** Writes at a position, wholly or not at all as far as the caller can tell. */
export function writeWhole(
  files: Files,
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
  if (written === length) return null;
  const error = new Error(`short write: ${written} of ${length} bytes`);
  return Object.assign(error, { code: "ENOSPC", syscall: "write" });
}

const temporarySuffix = ".new";

/** What a crash may leave of a file that was about to be put in place. */
export const temporaryOf = (path: string): string => path + temporarySuffix;

/** The name of the file that was to be put in place; null for a name that is no temporary one. */
export const intendedName = (name: string): string | null =>
  name.endsWith(temporarySuffix) ? name.slice(0, -temporarySuffix.length) : null;

/**
 * Puts a file in place in one step: after a crash there is the old one or the new one, whole. The
 * descriptor is the caller's.
 */
export async function placeFile(
  files: Files,
  path: string,
  content: readonly Uint8Array[],
  mode = 0o600,
): Promise<number> {
  const temporary = temporaryOf(path);
  await files.remove(temporary); // What a crash left may have another mode.
  const fd = await files.create(temporary, mode);
  try {
    await writeWhole(files, fd, content, 0);
    await files.sync(fd);
    await files.rename(temporary, path);
    await files.syncDirectory(dirname(path));
  } catch (error) {
    await files.close(fd);
    throw error;
  }
  return fd;
}

/** As `placeFile`, of a small file that nobody keeps open. */
export async function replaceFile(
  files: Files,
  path: string,
  content: Uint8Array,
  mode = 0o600,
): Promise<void> {
  await files.close(await placeFile(files, path, [content], mode));
}

/**
 * Makes a directory, and those above it that are missing, so that their names are on disk. Each level is durable
 * before the next one is made. So when a directory exists, only its own name may not be on disk yet, because the
 * process that made it died.
 */
export async function ensureDirectory(files: Files, path: string): Promise<void> {
  const parent = dirname(path);
  const wasThere = await isThere(files, path);
  if (!wasThere) {
    await ensureDirectory(files, parent);
    await files.makeDirectory(path);
  }
  try {
    await files.syncDirectory(parent);
  } catch (error) {
    // A process that may not open the parent cannot have made this directory, so it has nothing to sync.
    if (!wasThere || codeOf(error) !== "EACCES") throw error;
  }
}

/** Rejects when it is there and no directory. */
async function isThere(files: Files, path: string): Promise<boolean> {
  try {
    await files.list(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return false;
    if (code !== "EACCES") throw error;
  }
  return true;
}
