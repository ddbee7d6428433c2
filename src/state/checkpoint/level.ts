// LevelDB as checkpoints use it, with its errors in words: the only door to `level`.

import { type DatabaseOptions, Level } from "level";
import { storeBufferBytes, storeFilesMax, storeTableBytes } from "../../constants.ts";

export type CheckpointLevel = Level<Buffer, Buffer> & {
  /** Of LevelDB in Node alone, so the types of `level` leave it out. */
  compactRange(start: Buffer, end: Buffer): Promise<void>;
  /** Bytes of tables, about; 0 for what is in memory alone. */
  approximateSize(start: Buffer, end: Buffer): Promise<number>;
};

/** The disk refused, or does not hold what was written. The message says which, for an operator. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** What a merge needs on disk beside what there is grows with both. */
export interface LevelSizes {
  /** What is held in memory until it becomes a table. */
  readonly bufferBytes: number;
  readonly tableBytes: number;
}

export const usualSizes: LevelSizes = {
  bufferBytes: storeBufferBytes,
  tableBytes: storeTableBytes,
};

/** Rejects with a CheckpointError, for example when another process has the directory open. */
export async function openLevel(
  directory: string,
  { bufferBytes, tableBytes }: LevelSizes = usualSizes,
): Promise<CheckpointLevel> {
  // Encodings of the whole database: given with each call they make it ten times as slow.
  const level = new Level<Buffer, Buffer>(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    writeBufferSize: bufferBytes,
    maxFileSize: tableBytes,
    maxOpenFiles: storeFilesMax,
  } as DatabaseOptions<Buffer, Buffer>) as CheckpointLevel;
  try {
    await level.open();
  } catch (error) {
    throw openingFailed(directory, error);
  }
  return level;
}

/** Below all keys. */
const noKey: Buffer = Buffer.from([0]);

/**
 * Resolves when all that was written before is in synced tables: a compaction begins with that, and there is nothing
 * more to do in a range without keys. A synced write would reach one log file only, and what was written before it may
 * be in an older one. An error comes with the next write, which LevelDB then refuses.
 */
export function makeDurable(level: CheckpointLevel): Promise<void> {
  return level.compactRange(noKey, noKey);
}

export function damaged(problem: string): CheckpointError {
  return new CheckpointError(
    `the checkpoint is damaged (${problem}): bring this node back empty, as a new member`,
  );
}

/** What to throw for an error that came up while records were read; a bug stays what it is. */
export function readingFailed(error: unknown): unknown {
  if (!isOfDisk(error)) return error;
  if (isDamage(error)) return damaged(text(error));
  return new CheckpointError(`the checkpoint cannot be read: ${text(error)}`, { cause: error });
}

export function writingFailed(error: unknown): unknown {
  if (!isOfDisk(error)) return error;
  const message = `the checkpoint was not written: ${text(error)}${advice(error)}`;
  return new CheckpointError(message, { cause: error });
}

function openingFailed(directory: string, error: unknown): CheckpointError {
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  if (isDamage(cause)) return damaged(text(cause));
  const what =
    codeOf(cause) === "LEVEL_LOCKED"
      ? "is in use by another process"
      : `cannot be opened: ${text(cause)}${advice(cause)}`;
  return new CheckpointError(`${directory} ${what}`, { cause: error });
}

/** Files that are gone or cut short come as errors of the system: ENOENT and EINVAL. */
const goneOrShort = /: (?:No such file or directory|Invalid argument)$/;

function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === "LEVEL_CORRUPTION" || (code === "LEVEL_IO_ERROR" && goneOrShort.test(text(error)))
  );
}

/** An error of LevelDB or of the operating system. */
function isOfDisk(error: unknown): boolean {
  const code = codeOf(error);
  if (typeof code !== "string") return false;
  return code.startsWith("LEVEL_") || (error instanceof Error && "syscall" in error);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Nothing is lost then: the log and the redo file hold what was to be written. */
function advice(error: unknown): string {
  const isFull = /No space left on device|ENOSPC/.test(text(error));
  return isFull ? ". Free some space on this disk, and start again: nothing is lost" : "";
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
