// Takes a whole redo file into LevelDB. Doing it again, or from the start after a crash, changes nothing.

import { checkpointSliceBytes } from "../../constants.ts";
import type { Files } from "../../disk.ts";
import { type CheckpointLevel, damaged, makeDurable } from "./level.ts";
import { encodeHalfDone, metaKey } from "./meta.ts";
import { RedoOperations, redoKind } from "./redo-chunk.ts";
import { RedoReader } from "./redo-reader.ts";

/** So many bytes more were written to the disk. */
export type OnWritten = (bytes: number) => void;

/**
 * Resolves when LevelDB has all of it on disk: then the file may go. The order is what makes that true:
 *
 * 1. The meta record says that the checkpoint is half done, on disk, before anything else changes.
 * 2. Batches of a slice, not synced: a crash may leave any of them out, in the middle too, since LevelDB begins new log files
 *    without syncing the old ones.
 * 3. LevelDB writes everything out as synced tables.
 * 4. The meta record of the new checkpoint, synced.
 */
export async function applyRedo(
  files: Files,
  path: string,
  level: CheckpointLevel,
  wrote: OnWritten,
): Promise<void> {
  const reader = await RedoReader.open(files, path);
  try {
    await level.put(metaKey, encodeHalfDone(), { sync: true });
    const meta = await new Application(level, wrote).run(reader);
    await makeDurable(level);
    await level.put(metaKey, meta, { sync: true });
  } finally {
    await reader.close();
  }
}

class Application {
  readonly #level: CheckpointLevel;
  readonly #wrote: OnWritten;
  #batch: ReturnType<CheckpointLevel["batch"]> | null = null;
  #batchBytes = 0;

  constructor(level: CheckpointLevel, wrote: OnWritten) {
    this.#level = level;
    this.#wrote = wrote;
  }

  /** Resolves to the meta record of the new checkpoint. */
  async run(reader: RedoReader): Promise<Buffer> {
    for (let chunk = reader.next(); chunk !== null; chunk = reader.next()) {
      const operations = new RedoOperations(chunk);
      while (operations.next()) {
        if (operations.kind === redoKind.end) return await this.#end(operations, reader);
        const wait = this.#apply(operations);
        if (wait !== null) await wait;
      }
      if (operations.problem !== null) throw damaged(operations.problem);
    }
    throw damaged("the redo file has no end");
  }

  async #end({ value }: RedoOperations, reader: RedoReader): Promise<Buffer> {
    if (!reader.isAtEnd) throw damaged("the redo file goes on behind its end");
    await this.#writeBatch();
    return value;
  }

  /** Nothing to wait for, most of the time. */
  #apply({ kind, key, value }: RedoOperations): Promise<void> | null {
    if (kind === redoKind.clearRange) return this.#clear(key, value);
    if (value.length >= checkpointSliceBytes) return this.#putAlone(key, value);
    this.#batch ??= this.#level.batch();
    if (kind === redoKind.put) this.#batch.put(key, value);
    else this.#batch.del(key);
    this.#batchBytes += key.length + value.length;
    return this.#batchBytes >= checkpointSliceBytes ? this.#writeBatch() : null;
  }

  /** The event loop goes on while LevelDB's thread works. */
  async #writeBatch(): Promise<void> {
    const batch = this.#batch;
    if (batch === null) return;
    const bytes = this.#batchBytes;
    this.#batch = null;
    this.#batchBytes = 0;
    await batch.write();
    this.#wrote(bytes);
  }

  /** A put gives its memory back at once, and a large batch only when V8 comes to it. */
  async #putAlone(key: Buffer, value: Buffer): Promise<void> {
    await this.#writeBatch();
    await this.#level.put(key, value);
    this.#wrote(key.length + value.length);
  }

  async #clear(gte: Buffer, lt: Buffer): Promise<void> {
    await this.#writeBatch();
    await this.#level.clear({ gte, lt });
  }
}
