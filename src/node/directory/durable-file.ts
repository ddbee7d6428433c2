// Changes of files and names that are on disk when they are done.

import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** The few operations that change what a directory holds, as a port: tests stop after each of them. */
export interface DirectoryFiles {
  /** A new file of whole, synced content; its name is not synced. */
  create(path: string, content: Uint8Array, mode: number): Promise<void>;
  /** For the owner alone (0700). */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with all that it holds; whatever is not there is removed already. */
  remove(path: string): Promise<void>;
  /** Makes names that were created, renamed or removed in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** The real disk. Every rejection is the system's error. */
export const diskFiles: DirectoryFiles = {
  async create(path, content, mode) {
    const file = await open(path, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async makeDirectory(path) {
    await mkdir(path, { mode: 0o700 });
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    const directory = await open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

/** Replaces a small file so that after a crash there is the old content or the new, never a mixture. */
export async function replaceFile(
  path: string,
  content: Uint8Array,
  mode: number,
  files: DirectoryFiles = diskFiles,
): Promise<void> {
  const temporary = temporaryOf(path);
  await files.remove(temporary);
  await files.create(temporary, content, mode);
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

/** What a crash may leave of a file that was about to be replaced. */
export function temporaryOf(path: string): string {
  return `${path}.new`;
}
