// A data directory as a value: read once, changed in memory, written out for each trial.

import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Content by path below the data directory. Nobody changes a content in place: images share them. */
export type Image = ReadonlyMap<string, Buffer>;

/** LevelDB tidies up for some milliseconds after a write. */
const readsMax = 100;

/**
 * Every file as a process that is killed now would leave it. Sockets are no files. LevelDB's own thread
 * may make and remove tables meanwhile: only what two listings agree on is one moment's directory.
 */
export function readImage(directory: string): Image {
  let names = filesIn(directory);
  for (let read = 0; read < readsMax; read++) {
    const image = readFiles(directory, names);
    const after = filesIn(directory);
    if (image !== null && after.join("\n") === names.join("\n")) return image;
    names = after;
  }
  throw new Error(`${directory} does not come to rest`);
}

function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(directory.length + 1))
    .sort();
}

/** Null when one of them is gone. */
function readFiles(directory: string, names: readonly string[]): Image | null {
  const image = new Map<string, Buffer>();
  for (const name of names) {
    try {
      image.set(name, readFileSync(join(directory, name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return null;
    }
  }
  return image;
}

/** Into an empty directory. */
export function writeImage(image: Image, directory: string): void {
  const made = new Set<string>();
  for (const [path, content] of image) {
    const target = join(directory, path);
    const parent = dirname(target);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o700 });
    made.add(parent);
    writeFileSync(target, content);
  }
}

/** Null takes the file away. */
export function withFile(image: Image, path: string, content: Buffer | null): Image {
  const changed = new Map(image);
  if (content === null) changed.delete(path);
  else changed.set(path, content);
  return changed;
}

/** Bytes before the zeros with which a file ends: files of the log are longer than what they hold. */
export function usedBytes(content: Buffer): number {
  const known = used.get(content);
  if (known !== undefined) return known;
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end -= 1;
  used.set(content, end);
  return end;
}

/** Asked for every trial of an image. */
const used = new WeakMap<Buffer, number>();

/**
 * Runs work with a directory of its own, which goes away afterwards. In memory where the system has
 * such a place: these tests decide themselves what a disk has lost, so its syncs prove nothing here.
 */
export async function withDirectory<Result>(
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(fastestPlace(), "kvorum-damage-"));
  try {
    return await use(directory);
  } finally {
    // LevelDB may still be tidying up there after a start that was refused.
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/** Names the place for directories in a process that may be aborted: its parent removes what it leaves. */
export const placeVariable = "KVORUM_DAMAGE_PLACE";

function fastestPlace(): string {
  const given = process.env[placeVariable];
  if (given !== undefined) return given;
  const inMemory = "/dev/shm";
  try {
    accessSync(inMemory, constants.W_OK);
    return inMemory;
  } catch {
    return tmpdir();
  }
}
