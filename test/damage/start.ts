// The steps by which a node starts, up to the point at which it would serve: what it finds, or why not.

import { join } from "node:path";
import {
  DataDirectory,
  DataDirectoryError,
  type Identity,
  logOwner,
} from "../../src/node/directory/data-directory.ts";
import { CheckpointHome } from "../../src/node/snapshots/checkpoint-home.ts";
import { restartPoint, snapshotPoint } from "../../src/node/snapshots/snapshot-point.ts";
import { asIndex, type Entry } from "../../src/raft/core/types.ts";
import { openSegmentLog, type SegmentLog } from "../../src/raft/storage/segment-log.ts";
import { CheckpointError } from "../../src/state/checkpoint/level.ts";
import type { CheckpointMeta } from "../../src/state/checkpoint/meta.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";

/** Small, so that some saves make several segments. */
export const segmentBytes = 16 * 1024;

export interface Started {
  readonly identity: Identity;
  readonly home: CheckpointHome;
  readonly log: SegmentLog;
  /** Has applied the whole log, as a cluster of one does before it serves anybody. */
  readonly machine: Machine;
  /** Every entry that the log holds, read from its files. */
  readonly entries: readonly Entry[];
  close(): Promise<void>;
}

/** A start that ended with a line for the operator. */
export interface Refused {
  readonly refused: string;
}

/** Whatever is open, closed in reverse. */
class Closing {
  readonly #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

/** Rejects for anything that is no refusal in words: a bug. */
export async function start(path: string): Promise<Started | Refused> {
  const closing = new Closing();
  try {
    const started = await open(path, closing);
    if ("refused" in started) await closing.run();
    return started;
  } catch (error) {
    await closing.run();
    const isForOperator = error instanceof DataDirectoryError || error instanceof CheckpointError;
    if (isForOperator) return { refused: error.message };
    throw error;
  }
}

async function open(path: string, closing: Closing): Promise<Started | Refused> {
  const directory = await DataDirectory.open(path);
  closing.add(() => directory.close());
  const { identity } = directory;
  if (identity === null) return { refused: `${path} is an empty directory` };

  const machine = new Machine({ commands });
  const loaded = await CheckpointHome.open(path, machine);
  if ("deadly" in loaded)
    return { refused: "the checkpoint is deadly: begin with an empty directory" };
  const { home, checkpoint } = loaded;
  closing.add(() => home.close());

  const log = await openSegmentLog({
    directory: join(path, "log"),
    owner: logOwner(identity),
    segmentBytes,
    cacheBytes: 0, // What is read must come from the files.
    onFailure: (error) => {
      throw error;
    },
  });
  if ("damaged" in log) {
    return { refused: `the log is damaged (${log.damaged}): join anew with an empty directory` };
  }
  closing.add(() => log.close());
  const misfit =
    (await finishInstallation(home, checkpoint, log)) ?? misfitOf(identity, machine, log);
  if (misfit !== null) return { refused: misfit };

  const entries = readAll(log);
  for (const entry of entries) {
    if (entry.index <= machine.appliedIndex) continue;
    if (entry.kind === "data") machine.apply(entry, null);
    else machine.pass(entry.index);
  }
  return { identity, home, log, machine, entries, close: () => closing.run() };
}

/** A crash came between the switch to a snapshot and the restart of the log behind it. */
async function finishInstallation(
  home: CheckpointHome,
  checkpoint: CheckpointMeta | null,
  log: SegmentLog,
): Promise<string | null> {
  const mark = home.restart;
  if (mark === null) return null;
  const point = checkpoint === null ? null : snapshotPoint(checkpoint);
  if (point === null || point.index !== mark.index || point.term !== mark.term) {
    return "a snapshot was being installed: join anew with an empty directory";
  }
  await new Promise<void>((done) => log.restart(restartPoint(point), done));
  await home.restarted();
  return null;
}

/** Log, checkpoint and identity tell of each other what must be there. */
function misfitOf(identity: Identity, machine: Machine, log: SegmentLog): string | null {
  const advice = "join anew with an empty directory";
  const hasVoted = log.hardState.term > 0 && identity.nodeId !== 1;
  if (log.lastIndex === 0 && identity.hasLog && !hasVoted) return `the log is gone: ${advice}`;
  if (log.firstIndex > machine.appliedIndex + 1) {
    return `the log begins at ${log.firstIndex}, the checkpoint ends before: ${advice}`;
  }
  if (machine.appliedIndex > log.lastIndex) {
    return `the log ends at ${log.lastIndex}, before the checkpoint: ${advice}`;
  }
  return null;
}

function readAll(log: SegmentLog): Entry[] {
  const entries: Entry[] = [];
  for (let index: number = log.firstIndex; index <= log.lastIndex; ) {
    const some = log.slice(asIndex(index), log.lastIndex, Number.POSITIVE_INFINITY);
    entries.push(...some);
    index += some.length;
  }
  return entries;
}
