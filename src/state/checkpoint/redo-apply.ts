// Takes a whole redo file into LevelDB. Doing it again, or from the start after a crash, changes nothing.

import { assert } from "../../assert.ts";
import { checkpointBatchBytes, checkpointSliceBytes } from "../../constants.ts";
import type { Files } from "../../disk.ts";
import { type CheckpointLevel, damaged, makeDurable } from "./level.ts";
import { encodeHalfDone, metaKey } from "./meta.ts";
import { RedoOperations, redoKind } from "./redo-chunk.ts";
import { RedoReader } from "./redo-reader.ts";

/** How the event loop goes on meanwhile, and who counts what is written. */
export interface Pace {
  /** Resolves when the next slice may begin. */
  readonly pause: () => Promise<void>;
  /** So many bytes were written to the disk. */
  readonly wrote: (bytes: number) => void;
}

/**
 * Resolves when LevelDB has all of it on disk: then the file may go. The order is what makes that true:
 *
 * 1. The meta record says that the checkpoint is half done, on disk, before anything else changes.
 * 2. Batches, not synced: a crash may leave any of them out, in the middle too, since LevelDB begins new log files
 *    without syncing the old ones.
 * 3. LevelDB writes everything out as synced tables.
 * 4. The meta record of the new checkpoint, synced.
 */
export async function applyRedo(
  files: Files,
  path: string,
  level: CheckpointLevel,
  pace: Pace,
): Promise<void> {
  const reader = await RedoReader.open(files, path);
  try {
    await level.put(metaKey, encodeHalfDone(), { sync: true });
    const meta = await new Application(level, pace).run(reader);
    await makeDurable(level);
    await level.put(metaKey, meta, { sync: true });
  } finally {
    await reader.close();
  }
}

class Application {
  readonly #level: CheckpointLevel;
  readonly #pace: Pace;
  #batch: ReturnType<CheckpointLevel["batch"]> | null = null;
  #batchBytes = 0;
  #sliceBytes = 0;

  constructor(level: CheckpointLevel, pace: Pace) {
    this.#level = level;
    this.#pace = pace;
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
    const meta = Buffer.from(value); // The memory of the chunk is used again.
    await this.#write();
    return meta;
  }

  /** Nothing to wait for, most of the time. */
  #apply({ kind, key, value }: RedoOperations): Promise<void> | null {
    if (kind === redoKind.clearRange) return this.#clear(key, value);
    this.#batch ??= this.#level.batch();
    if (kind === redoKind.put) this.#batch.put(key, value);
    else this.#batch.del(key);
    const bytes = key.length + value.length;
    this.#batchBytes += bytes;
    this.#sliceBytes += bytes;
    if (this.#batchBytes >= checkpointBatchBytes) return this.#write();
    return this.#sliceBytes >= checkpointSliceBytes ? this.#pause() : null;
  }

  async #write(): Promise<void> {
    const bytes = this.#batchBytes;
    const batch = this.#batch;
    this.#batch = null;
    this.#batchBytes = 0;
    this.#sliceBytes = 0;
    await batch?.write();
    this.#pace.wrote(bytes);
  }

  #pause(): Promise<void> {
    this.#sliceBytes = 0;
    return this.#pace.pause();
  }

  async #clear(gte: Buffer, lt: Buffer): Promise<void> {
    assert(gte.length > 0 && lt.length > 0, "a range has both ends");
    await this.#write();
    await this.#level.clear({ gte, lt });
  }
}
