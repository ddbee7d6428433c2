// Which directory of the data directory holds the checkpoint, and how another one takes its place.
//
// At first it is `checkpoint`; each one that came from another node is `checkpoint-N`, and the file checkpoint.json names
// the one that counts. Replacing that file is the switch: until then the old checkpoint counts, afterwards the new one,
// and no other directory is needed.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../assert.ts";
import { diskFiles, type Files, replaceFile } from "../../disk.ts";
import {
  type CheckedFile,
  decodeChecked,
  encodeChecked,
  type Fields,
  isCount,
} from "./checked-file.ts";
import { DataDirectoryError, directoryError } from "./data-directory.ts";

/** The log's head is replaced by the checkpoint, which stands at this entry. */
export interface RestartMark {
  readonly index: number;
  readonly term: number;
}

interface Pointer {
  readonly directory: string;
  /** Not null until the log has restarted behind this checkpoint. */
  readonly restart: RestartMark | null;
}

const firstName = "checkpoint";
const namePattern = /^checkpoint(?:-([1-9]\d{0,14}))?$/;
const stagingName = "checkpoint-staging";

const pointerFile: CheckedFile<Pointer> = {
  name: "checkpoint.json",
  format: 1,
  parse({ directory, restart }) {
    const isSound = typeof directory === "string" && namePattern.test(directory);
    const mark = restart === null ? null : asMark(restart);
    return isSound && mark !== undefined ? { directory, restart: mark } : null;
  },
};

/** Rejects with DataDirectoryError; after any rejection the process must end. */
export class CheckpointDirectory {
  readonly #path: string;
  readonly #files: Files;
  #pointer: Pointer;
  /** The directory of the checkpoint before the present one, until `restarted` removes it. */
  #former: string | null = null;

  /** Use `CheckpointDirectory.open`. */
  constructor(path: string, files: Files, pointer: Pointer) {
    this.#path = path;
    this.#files = files;
    this.#pointer = pointer;
  }

  /** In a data directory whose lock is held. Removes what a crash has left over. */
  static async open(path: string, files: Files = diskFiles): Promise<CheckpointDirectory> {
    try {
      // The last changes of a killed process may be in the page cache alone: they are synced before anything relies on
      // them.
      await files.syncDirectory(path);
      const names = await readdir(path);
      const pointer = await readPointer(path, names);
      if (!names.includes(pointer.directory)) {
        await files.makeDirectory(join(path, pointer.directory));
        await files.syncDirectory(path);
      }
      const left = names.filter((name) => isOurs(name) && name !== pointer.directory);
      for (const name of left) await files.remove(join(path, name));
      return new CheckpointDirectory(path, files, pointer);
    } catch (error) {
      throw directoryError(path, error);
    }
  }

  /** The path of the directory with the checkpoint that counts. */
  get current(): string {
    return join(this.#path, this.#pointer.directory);
  }

  /** What its files take. Those that go meanwhile do not count. */
  async bytes(): Promise<number> {
    let sum = 0;
    for (const name of await readdir(this.current)) {
      sum += (await stat(join(this.current, name)).catch(() => null))?.size ?? 0;
    }
    return sum;
  }

  /** Not null: before anything else the log must restart behind the checkpoint. Then call `restarted`. */
  get restart(): RestartMark | null {
    return this.#pointer.restart;
  }

  /** Where to build the next one: on the same file system, and removed by a start. */
  stagingPath(): string {
    return join(this.#path, stagingName);
  }

  /**
   * The closed checkpoint in this directory (`stagingPath`) takes the place of the one that counts.
   * Resolves when that is on disk, with the mark that the log has to restart. The former directory stays
   * until `restarted`, so its store may still be open.
   */
  async switchTo(staged: string, { index, term }: RestartMark): Promise<void> {
    assert(this.#pointer.restart === null, "the log has restarted behind the last checkpoint");
    const former = this.#pointer.directory;
    const directory = nameAfter(former);
    try {
      // LevelDB does not make all of its file names durable.
      await this.#files.syncDirectory(staged);
      await this.#files.rename(staged, join(this.#path, directory));
      await this.#files.syncDirectory(this.#path);
      await this.#write({ directory, restart: { index, term } });
    } catch (error) {
      throw directoryError(this.#path, error);
    }
    this.#former = former;
  }

  /** The log has restarted, and nobody has the former directory open: clears the mark, durably. */
  async restarted(): Promise<void> {
    try {
      await this.#write({ ...this.#pointer, restart: null });
      if (this.#former !== null) await this.#files.remove(join(this.#path, this.#former));
      this.#former = null;
    } catch (error) {
      throw directoryError(this.#path, error);
    }
  }

  async #write(pointer: Pointer): Promise<void> {
    const content = encodeChecked(pointerFile, pointer);
    await replaceFile(this.#files, join(this.#path, pointerFile.name), content);
    this.#pointer = pointer;
  }
}

async function readPointer(path: string, names: readonly string[]): Promise<Pointer> {
  if (!names.includes(pointerFile.name)) {
    const lost = names.find((name) => namePattern.test(name));
    if (names.includes(firstName) || lost === undefined) {
      return { directory: firstName, restart: null };
    }
    throw new DataDirectoryError(
      `holds ${lost} but no ${pointerFile.name}: bring that file back, ` +
        "or let this node join anew with an empty directory",
    );
  }
  const text = await readFile(join(path, pointerFile.name), "utf8");
  const pointer = decodeChecked(pointerFile, text);
  if (typeof pointer === "string") throw new DataDirectoryError(pointer);
  if (names.includes(pointer.directory)) return pointer;
  throw new DataDirectoryError(
    `${pointer.directory} is gone, which ${pointerFile.name} names: bring it back from a backup, ` +
      "or let this node join anew with an empty directory",
  );
}

/** Directories of checkpoints, whole or not. */
function isOurs(name: string): boolean {
  return namePattern.test(name) || name === stagingName;
}

function nameAfter(name: string): string {
  return `${firstName}-${Number(namePattern.exec(name)?.[1] ?? 0) + 1}`;
}

/** Undefined when it is none. */
function asMark(value: unknown): RestartMark | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { index, term } = value as Fields;
  return isCount(index) && isCount(term) ? { index, term } : undefined;
}
