// A node that writes without a network: every save is acknowledged, and noted in its history.

import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { DataDirectory } from "../../src/node/directory/data-directory.ts";
import { CheckpointHome } from "../../src/node/snapshots/checkpoint-home.ts";
import {
  checkpointContext,
  restartPoint,
  snapshotPoint,
} from "../../src/node/snapshots/snapshot-point.ts";
import { encodeMembership } from "../../src/raft/core/membership.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type EntryKind,
  type HardState,
  type Membership,
} from "../../src/raft/core/types.ts";
import { recordHeadBytes } from "../../src/raft/record.ts";
import { saveHeadBytes } from "../../src/raft/storage/save.ts";
import { openSegmentLog, type SegmentLog } from "../../src/raft/storage/segment-log.ts";
import { writeCheckpoint } from "../../src/state/checkpoint/store.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import type { Random } from "../support/log-random.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Acknowledged } from "./history.ts";
import { segmentBytes } from "./start.ts";
import { Client } from "./writes.ts";

/** Log time of the first write: in the past, so that a real node may go on from any of these. */
const firstMs = 1_700_000_000_000;

/** The only member. */
export const self = asNode(1);

/** What stays the same from life to life. */
export interface Past {
  readonly machine: Machine;
  readonly saves: Acknowledged[];
  readonly entries: Map<number, Entry>;
  readonly membership: Membership;
  /** Bytes of the log's older segments. */
  olderBytes: number;
  segment: number;
}

export interface LifeParts {
  readonly directory: DataDirectory;
  readonly log: SegmentLog;
  readonly home: CheckpointHome;
}

/** Log and checkpoint of a directory whose lock is held. */
export async function openParts(path: string, directory: DataDirectory): Promise<LifeParts> {
  const log = await openSegmentLog({
    directory: join(path, "log"),
    owner: crc32(`${directory.identity?.clusterId}/${directory.identity?.nodeId}`),
    segmentBytes,
    onFailure: (error) => {
      throw error;
    },
  });
  if ("damaged" in log) throw new Error(log.damaged);
  const loaded = await CheckpointHome.open(path, new Machine({ commands }));
  if ("deadly" in loaded) throw new Error("nothing has damaged the checkpoint");
  return { directory, log, home: loaded.home };
}

export class NodeLife {
  readonly #random: Random;
  readonly #past: Past;
  readonly #parts: LifeParts;
  readonly #client: Client;

  constructor(random: Random, past: Past, parts: LifeParts) {
    this.#random = random;
    this.#past = past;
    this.#parts = parts;
    this.#client = new Client(random, parts.directory.identity?.incarnation ?? 1);
  }

  /** The founding entry of a new cluster. */
  async found(): Promise<void> {
    const data = encodeMembership(this.#past.membership);
    await this.#save({ term: asTerm(1), votedFor: null }, [this.#entry(1, "membership", data)]);
    await this.#parts.directory.logBegun();
  }

  /** As after an election: a new term, this node's vote for itself, the entry that opens the term. */
  async lead(): Promise<void> {
    const term = asTerm(this.#parts.log.hardState.term + 1);
    await this.#save({ term, votedFor: self }, [this.#entry(1, "noop", new Uint8Array(0))]);
  }

  /** Saves of one to three entries, and now and then a term without an entry. */
  async write(saves: number): Promise<void> {
    const random = this.#random;
    for (let left = saves; left > 0; left -= 1) {
      const { term } = this.#parts.log.hardState;
      if (random.chance(0.06)) {
        await this.#save({ term: asTerm(term + 1), votedFor: null }, []);
        continue;
      }
      const entries: Entry[] = [];
      for (let count = 1 + random.integer(3); count > 0; count -= 1) {
        const timeMs = firstMs + 10 * (this.#parts.log.lastIndex + entries.length);
        entries.push(this.#entry(entries.length + 1, "data", this.#client.proposal(timeMs)));
      }
      await this.#save(null, entries);
    }
  }

  async checkpoint(): Promise<void> {
    const { machine, membership } = this.#past;
    const { log, home } = this.#parts;
    await writeCheckpoint(home.store, machine, {
      ...checkpointContext(log.term(log.lastIndex) ?? 0, { index: 1, membership }),
      pause: () => Promise.resolve(),
    });
  }

  /** Drops the segments that the last checkpoint makes unnecessary. */
  cut(): void {
    const { log } = this.#parts;
    const before = log.bytes;
    log.cutBefore(asIndex(this.#past.machine.appliedIndex + 1));
    this.#past.olderBytes -= before - log.bytes;
  }

  /**
   * As if the checkpoint that was just written had come from a leader: it gets another directory, and
   * the log restarts behind it. `halfway` is called when the checkpoint counts and the log does not know.
   */
  async install(halfway: () => void): Promise<void> {
    const { home, log } = this.#parts;
    const view = await home.view();
    if (view === null) throw new Error("there is a checkpoint");
    const staged = await home.stage(view.metaBytes);
    for (let after: Buffer | null = null; ; ) {
      const part = await view.read(after, 1024 * 1024);
      if (part === null) break;
      await staged.append(part.chunk);
      after = part.last;
    }
    const problem = await staged.finish(new Machine({ commands }));
    const point = snapshotPoint(view.meta);
    if (problem !== null || point === null) throw new Error(`no snapshot: ${problem}`);
    await view.close();
    await home.replace(staged, point);
    halfway();
    const before = log.bytes;
    const { base, membership } = restartPoint(point);
    await new Promise<void>((done) => log.restart({ base, membership }, done));
    await home.restarted();
    this.#note(before, [{ data: membership?.data ?? new Uint8Array(0) }]);
  }

  async close(): Promise<void> {
    const { log, home, directory } = this.#parts;
    await log.close();
    await home.close();
    await directory.close();
  }

  #entry(nth: number, kind: EntryKind, data: Uint8Array): Entry {
    const { hardState, lastIndex } = this.#parts.log;
    const term = asTerm(kind === "data" ? hardState.term : hardState.term + 1);
    return { term, index: asIndex(lastIndex + nth), kind, data };
  }

  async #save(hardState: HardState | null, entries: readonly Entry[]): Promise<void> {
    const { log } = this.#parts;
    const before = log.bytes;
    await new Promise<void>((done) => log.save({ hardState, entries }, done));
    for (const entry of entries) this.#apply(entry);
    this.#note(before, entries);
  }

  #apply(entry: Entry): void {
    const { machine, entries } = this.#past;
    // The log keeps the bytes that it was given; this copy is what was acknowledged.
    entries.set(entry.index, { ...entry, data: Uint8Array.from(entry.data) });
    if (entry.kind === "data") machine.apply(entry, null);
    else machine.pass(entry.index);
  }

  /** Where the save stands follows from the lengths alone, not from what the log says. */
  #note(before: number, entries: readonly Pick<Entry, "data">[]): void {
    const past = this.#past;
    const { log } = this.#parts;
    const bytes = entries.reduce(
      (sum, { data }) => sum + recordHeadBytes + data.byteLength,
      saveHeadBytes,
    );
    if (log.bytes - before !== bytes) {
      past.segment += 1; // A new one, whose header came before the save.
      past.olderBytes = before;
    }
    const end = log.bytes - past.olderBytes;
    past.saves.push({
      sequence: past.saves.length + 1,
      lastIndex: log.lastIndex,
      hardState: log.hardState,
      fingerprint: fingerprint(past.machine),
      segment: join("log", `${String(past.segment).padStart(16, "0")}.segment`),
      start: end - bytes,
      end,
    });
  }
}
