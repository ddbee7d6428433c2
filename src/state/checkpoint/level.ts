// LevelDB as checkpoints use it, with its errors in words: the only door to `level`.

import { Level } from "level";

export type CheckpointLevel = Level<Buffer, Buffer>;

/** The disk refused, or does not hold what was written. The message says which, for an operator. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** Rejects with a CheckpointError, for example when another process has the directory open. */
export async function openLevel(directory: string): Promise<CheckpointLevel> {
  // Encodings of the whole database: given with each call they make it ten times as slow.
  const level: CheckpointLevel = new Level(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  try {
    await level.open();
  } catch (error) {
    throw openingFailed(directory, error);
  }
  return level;
}

/** All of it: LevelDB's own merging keeps deleted records for as long as their level is not full. */
export async function compactLevel(level: CheckpointLevel): Promise<void> {
  // `level` is classic-level in Node, and its types are those of every platform.
  await (level as unknown as Compactable).compactRange(Buffer.alloc(0), Buffer.alloc(32, 0xff));
}

interface Compactable {
  compactRange(start: Buffer, end: Buffer): Promise<void>;
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
  return new CheckpointError(`the checkpoint was not written: ${text(error)}`, { cause: error });
}

function openingFailed(directory: string, error: unknown): CheckpointError {
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  if (isDamage(cause)) return damaged(text(cause));
  const what =
    codeOf(cause) === "LEVEL_LOCKED"
      ? "is in use by another process"
      : `cannot be opened: ${text(cause)}`;
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

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
