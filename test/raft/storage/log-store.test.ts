// Runs the promises of a log store for every store, and for one that is opened anew after each step.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogStore, RestartPoint } from "../../../src/raft/ports.ts";
import type { SegmentLogOptions } from "../../../src/raft/storage/segment-log.ts";
import { openLog, saved } from "../../support/log-model.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { logStoreContract, type Subject } from "./log-store.contract.ts";

const subjectOf = (log: LogStore, flush: () => void = () => {}): Subject => ({
  log,
  async save(entries, state) {
    const done = saved(log, entries, state ?? null);
    flush();
    await done;
  },
  async restart(point) {
    await new Promise<void>((resolve) => {
      log.restart(point, resolve);
      flush();
    });
  },
  close: () => log.close(),
});

logStoreContract("memory, flushed with each save", () =>
  Promise.resolve(subjectOf(new MemoryLog({ flushOn: "save" }))),
);

logStoreContract("memory, flushed by a call", () => {
  const log = new MemoryLog({ flushOn: "call" });
  return Promise.resolve(subjectOf(log, () => log.flush()));
});

type Sizes = Pick<SegmentLogOptions, "segmentBytes" | "cacheBytes">;

async function openOnDisk(sizes: Sizes): Promise<Subject> {
  const directory = mkdtempSync(join(tmpdir(), "kvorum-log-"));
  const subject = subjectOf(await openLog({ directory, ...sizes }));
  return {
    ...subject,
    async close() {
      await subject.close();
      rmSync(directory, { recursive: true });
    },
  };
}

logStoreContract("segments", () => openOnDisk({}));
logStoreContract("small segments, nothing cached", () =>
  openOnDisk({ segmentBytes: 300, cacheBytes: 0 }),
);

/** Closes and opens the log after each step, so that all that is read comes from the files. */
class Reopened implements Subject {
  log: LogStore;
  readonly #directory: string;
  readonly #sizes: Sizes;

  constructor(log: LogStore, directory: string, sizes: Sizes) {
    this.log = log;
    this.#directory = directory;
    this.#sizes = sizes;
  }

  async save(...[entries, state]: Parameters<Subject["save"]>): Promise<void> {
    await saved(this.log, entries, state ?? null);
    await this.#reopen();
  }

  async restart(point: RestartPoint): Promise<void> {
    await new Promise<void>((resolve) => {
      this.log.restart(point, resolve);
    });
    await this.#reopen();
  }

  async #reopen(): Promise<void> {
    await this.log.close();
    this.log = await openLog({ directory: this.#directory, ...this.#sizes });
  }

  async close(): Promise<void> {
    await this.log.close();
    rmSync(this.#directory, { recursive: true });
  }
}

async function openReopened(sizes: Sizes): Promise<Subject> {
  const directory = mkdtempSync(join(tmpdir(), "kvorum-log-"));
  return new Reopened(await openLog({ directory, ...sizes }), directory, sizes);
}

logStoreContract("segments, reopened after each step", () => openReopened({}));
logStoreContract("small segments, reopened after each step", () =>
  openReopened({ segmentBytes: 300 }),
);
