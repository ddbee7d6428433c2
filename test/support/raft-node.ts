// One core with a disk of its own, driven by hand: the test decides when a save is done.

import { assert } from "../../src/assert.ts";
import type { RaftCore, RaftOptions, ReadyRead, Save } from "../../src/raft/core/core.ts";
import { foundingEntry } from "../../src/raft/core/membership.ts";
import { createRaft } from "../../src/raft/core/raft.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type HardState,
  type LogIndex,
  type Membership,
  type Message,
  type MessageOf,
  type NodeId,
  type SnapshotPoint,
} from "../../src/raft/core/types.ts";
import { MemoryLog } from "./raft-memory-log.ts";

export const heartbeatTicks = 2;
export const electionTicks = 10;

export interface NodeSetup {
  readonly id: number;
  /** Voters are 1 to this number; 0 is a node without a cluster. */
  readonly voters?: number;
  readonly learners?: readonly number[];
  /** Terms of the entries; the first one holds the membership. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly votedFor?: number | null;
  readonly applied?: number;
  readonly random?: () => number;
  readonly options?: Partial<RaftOptions>;
}

export function membershipOf(voters: number, learners: readonly number[] = []): Membership {
  const ids = [...Array.from({ length: voters }, (_, at) => at + 1), ...learners];
  const members = ids.map((id) => ({
    id: asNode(id),
    voter: id <= voters,
    address: `node-${id}`,
  }));
  return { members, nextId: asNode(Math.max(0, ...ids) + 1) };
}

export function dataEntry(index: number, term: number, text = `${term}/${index}`): Entry {
  const data = new TextEncoder().encode(text);
  return { index: asIndex(index), term: asTerm(term), kind: "data", data };
}

/** A founding entry and data behind it; the terms as given. */
export function logOf(terms: readonly number[], membership: Membership): readonly Entry[] {
  return terms.map((term, at) =>
    at === 0 ? { ...foundingEntry(membership), term: asTerm(term) } : dataEntry(at + 1, term),
  );
}

export class TestNode {
  readonly id: NodeId;
  readonly log: MemoryLog;
  hardState: HardState;
  core: RaftCore;
  saving: Save | null = null;
  /** The state was switched to a snapshot, and the log not yet: a start makes up for it. */
  switchedTo: SnapshotPoint | null = null;
  /** The durable state: a restart begins with it, and it is what a snapshot carries. */
  checkpoint: SnapshotPoint | null = null;
  /** Members that need a snapshot, as they were named. */
  readonly snapshots: NodeId[] = [];
  readonly applied: Entry[] = [];
  readonly reads: ReadyRead[] = [];
  readonly readsLost: number[] = [];
  readonly #setup: NodeSetup;
  #sent: Message[] = [];

  constructor(setup: NodeSetup) {
    this.#setup = setup;
    this.id = asNode(setup.id);
    const voters = setup.voters ?? 3;
    const terms = voters === 0 ? [] : (setup.log ?? [1]);
    this.log = new MemoryLog(logOf(terms, membershipOf(voters, setup.learners)));
    const votedFor = setup.votedFor == null ? null : asNode(setup.votedFor);
    this.hardState = { term: asTerm(setup.term ?? terms.at(-1) ?? 0), votedFor };
    this.core = this.#start(asIndex(setup.applied ?? 0));
  }

  #start(applied: LogIndex): RaftCore {
    return createRaft({
      id: this.id,
      hardState: this.hardState,
      applied,
      log: this.log,
      heartbeatTicks,
      electionTicks,
      appendBytesMax: 1024,
      inflightMessagesMax: 8,
      inflightBytesMax: 4096,
      random: this.#setup.random ?? (() => 0),
      ...this.#setup.options,
    });
  }

  /** Takes the core's work, without finishing a save. */
  pump(): void {
    do this.turn();
    while (this.core.wantsTurn);
  }

  /** One turn of a driver. */
  turn(): void {
    this.core.beginTurn();
    for (let ready = this.core.ready(); ready !== null; ready = this.core.ready()) {
      if (ready.save !== null) {
        assert(this.saving === null, "one save is in flight at a time");
        this.saving = ready.save;
      }
      this.#sent.push(...ready.messages);
      this.snapshots.push(...ready.snapshots);
      this.applied.push(...ready.committed);
      this.reads.push(...ready.reads);
      this.readsLost.push(...ready.readsLost);
    }
  }

  /** The disk has done what is in flight. */
  finishSave(): void {
    this.pump();
    const save = this.saving;
    if (save === null) return;
    this.writeSave();
    this.core.saved(save);
    this.#sent.push(...save.messages);
    this.pump();
  }

  /** The disk is done, but the core was not told. */
  writeSave(): void {
    const { saving } = this;
    if (saving === null) return;
    this.writeHardState();
    if (saving.snapshot === null) {
      this.log.write(saving.entries);
    } else {
      this.switchState();
      this.#restartLog();
    }
    this.saving = null;
  }

  /** The first step of an install: the term in which the leader sent it, or a newer one. */
  writeHardState(): void {
    this.hardState = this.saving?.hardState ?? this.hardState;
  }

  /** The second step: the state, with a mark that says where the log has to go on. */
  switchState(): void {
    this.switchedTo = this.saving?.snapshot ?? null;
    this.checkpoint = this.switchedTo ?? this.checkpoint;
  }

  /** The third step. */
  #restartLog(): void {
    if (this.switchedTo !== null) this.log.restart(this.switchedTo);
    this.switchedTo = null;
  }

  /** Until nothing is left to do or to save. */
  settle(): this {
    this.pump();
    while (this.saving !== null) this.finishSave();
    return this;
  }

  take(): readonly Message[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** What was sent of one type since the last `take` or `taken`. */
  taken<Type extends Message["type"]>(type: Type): readonly MessageOf<Type>[] {
    return this.take().filter((message): message is MessageOf<Type> => message.type === type);
  }

  ticks(count: number): this {
    for (let tick = 0; tick < count; tick += 1) this.core.tick();
    return this;
  }

  /** The state at `index`, which is on disk, becomes durable. */
  checkpointAt(index: number): SnapshotPoint {
    const at = asIndex(index);
    const term = this.log.term(at);
    const membership = this.log.membershipAt(at);
    assert(term !== null && membership !== null, `the state at ${index} can be named`);
    this.checkpoint = { term, index: at, membership };
    return this.checkpoint;
  }

  /** A checkpoint at `index`, and the log is cut behind it. */
  compact(index: number): void {
    this.checkpointAt(index);
    this.log.cutBefore(asIndex(index + 1), "kept");
  }

  /** What a member receives when the whole checkpoint has reached it. */
  snapshotFor(to: number): MessageOf<"installSnapshot"> {
    assert(this.checkpoint !== null, "there is a checkpoint to send");
    const { id: from, checkpoint: point } = this;
    return { type: "installSnapshot", from, to: asNode(to), term: this.core.term, point };
  }

  /** Everything that was not on disk is gone. */
  crash(applied: number = this.checkpoint?.index ?? 0): void {
    this.#restartLog();
    this.saving = null;
    this.snapshots.length = 0;
    this.#sent = [];
    this.applied.length = 0;
    this.reads.length = 0;
    this.readsLost.length = 0;
    this.core = this.#start(asIndex(applied));
  }
}
