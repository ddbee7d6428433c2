// The mark that a checkpoint is being loaded: a start that finds it knows that the one before died of it.
//
// LevelDB aborts the process over some damaged tables. Only the death of a process has to be outlived, not
// that of the machine, so nothing is synced.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { diskFiles } from "../../disk.ts";
import { codeOf } from "../../system-error.ts";
import { directoryError } from "./data-directory.ts";

const markName = "checkpoint-loading";

/**
 * In a data directory whose lock is held. Resolves to true when the mark was there already. Rejects with
 * DataDirectoryError.
 */
export async function markLoading(path: string): Promise<boolean> {
  try {
    await writeFile(join(path, markName), "", { flag: "wx", mode: 0o600 });
    return false;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return true;
    throw directoryError(path, error);
  }
}

/** This process has lived through it. Rejects with DataDirectoryError. */
export async function clearLoading(path: string): Promise<void> {
  try {
    await diskFiles.remove(join(path, markName));
  } catch (error) {
    throw directoryError(path, error);
  }
}
