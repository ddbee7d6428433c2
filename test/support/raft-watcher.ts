// What must hold in a cluster after every step, seen from outside: each node's disk, words and deeds.

import { assert } from "../../src/assert.ts";
import type { Save } from "../../src/raft/core/core.ts";
import { decodeMembership } from "../../src/raft/core/membership.ts";
import { majority } from "../../src/raft/core/quorum.ts";
import {
  asIndex,
  type Entry,
  type Member,
  type Message,
  type MessageOf,
  type NodeId,
} from "../../src/raft/core/types.ts";
import { ElectionWatch, mayLead } from "./raft-election-watch.ts";
import type { Marks } from "./raft-marks.ts";
import type { TestNode } from "./raft-node.ts";
import { digestOf, StateMachine } from "./raft-state-machine.ts";

interface Known {
  readonly prevTerm: number | null;
  readonly entry: Entry;
}

const termSpan = 1_000_000;

export class Watcher {
  readonly #nodes: ReadonlyMap<number, TestNode>;
  readonly #marks: Marks;
  readonly committed: Entry[] = [];
  /** The state's digest after each committed entry. */
  readonly #digests: number[] = [0];
  readonly machines = new Map<number, StateMachine>();
  readonly #leaderOf = new Map<number, number>();
  readonly #known = new Map<number, Known>();
  readonly #votes = new Map<number, number>();
  readonly #seenCommit = new Map<number, number>();
  readonly #seenTerm = new Map<number, number>();
  readonly #asked = new Map<number, Map<number, number>>();
  /** "leader>member" of members that waited for a snapshot when their leader was seen last. */
  readonly #waiting = new Set<string>();
  #lastVoters: readonly NodeId[] = [];
  #lastNextId = 0;
  readonly #elections = new ElectionWatch();

  constructor(nodes: ReadonlyMap<number, TestNode>, marks: Marks) {
    this.#nodes = nodes;
    this.#marks = marks;
  }

  join(node: TestNode): void {
    this.machines.set(node.id, new StateMachine());
    this.#asked.set(node.id, new Map());
    const founding = node.log.entry(asIndex(1));
    if (founding === null) return;
    this.#noteEntries(node, [founding]);
    this.#lastVoters = node.core.membership.members.map(({ id }) => id);
  }

  machine(node: TestNode): StateMachine {
    const machine = this.machines.get(node.id);
    assert(machine !== undefined, `node ${node.id} has joined`);
    return machine;
  }

  /** It starts again from its checkpoint. */
  crashed(node: TestNode): void {
    this.machine(node).restart(node.checkpoint);
    const { index, digest } = this.machine(node);
    assert(
      digest === this.#digests[index],
      `the checkpoint of ${node.id} is the state at ${index}`,
    );
    assert(node.log.firstIndex <= index + 1, `no gap between checkpoint and log of ${node.id}`);
    this.#seenCommit.set(node.id, index);
    this.#asked.set(node.id, new Map());
  }

  /** A read whose answer must show everything that is committed now. */
  asks(node: TestNode, read: number | null): void {
    if (read !== null) this.#asked.get(node.id)?.set(read, this.committed.length);
  }

  watch(node: TestNode): void {
    const { core } = node;
    this.#elections.watch(node);
    this.#watchLeader(node);
    this.#watchSnapshots(node);
    const before = this.#seenCommit.get(node.id) ?? 0;
    assert(core.commit >= before, `the commit index of ${node.id} never falls`);
    assert(core.commit <= core.last.index, "commit is within the log");
    this.#seenCommit.set(node.id, core.commit);
    if (core.commit > this.committed.length) this.#noteCommit(node);
    this.#watchMembership(node);
    const lastTerm = this.#seenTerm.get(node.id) ?? 0;
    this.#seenTerm.set(node.id, Math.max(lastTerm, node.hardState.term));
    assert(node.hardState.term >= lastTerm, "a durable term never falls");
    for (const entry of node.applied) this.#noteApply(node, entry);
    node.applied.length = 0;
    this.#watchReads(node);
  }

  #watchReads(node: TestNode): void {
    for (const read of node.reads) {
      this.#marks.reads += 1;
      const asked = this.#asked.get(node.id)?.get(read.id);
      assert(asked !== undefined, "a read comes out once, and only if it was asked for");
      assert(
        read.index >= asked,
        `read ${read.index} is not older than ${asked}, known when asked`,
      );
      this.#asked.get(node.id)?.delete(read.id);
    }
    node.reads.length = 0;
    this.#marks.readsLost += node.readsLost.length;
    for (const id of node.readsLost) this.#asked.get(node.id)?.delete(id);
    node.readsLost.length = 0;
  }

  /** §6: the newest configuration in the log is in force, so one that was truncated is not. */
  #watchMembership({ core, log, saving }: TestNode): void {
    if (saving !== null || core.last.index !== log.lastIndex) return;
    const stored = log.membershipAt(log.lastIndex)?.membership;
    const { members, nextId } = core.membership;
    assert(
      stored === undefined
        ? members.length === 0
        : stored.nextId === nextId && sameMembers(stored.members, members),
      `the configuration of ${core.id} is the one in its log`,
    );
  }

  #watchLeader(node: TestNode): void {
    const { core } = node;
    if (core.role !== "leader") return;
    const leader = this.#leaderOf.get(core.term);
    assert((leader ?? node.id) === node.id, `§5.2 ${leader} and ${node.id} lead term ${core.term}`);
    if (leader !== undefined) return;
    this.#leaderOf.set(core.term, node.id);
    this.#marks.elections += 1;
    assert(node.hardState.term === core.term, "a leader's term is on its disk");
    assert(node.hardState.votedFor === node.id, "a leader's own vote is on its disk");
    assert(core.installing === null, "a leader has a log of its own");
    assert(
      mayLead(node),
      `§6 leader ${node.id} is a voter, or was one until a change that is not committed`,
    );
    // §5.4: its log, or the snapshot before it, has everything that was ever committed.
    const covered = node.checkpoint?.index ?? 0;
    assert(node.log.firstIndex <= covered + 1, `§7 no gap behind the snapshot of ${node.id}`);
    assert(node.core.last.index >= this.committed.length, `§5.4 leader ${node.id} is not behind`);
    for (let index = this.committed.length; index >= node.log.firstIndex; index -= 1) {
      const held = node.log.entry(asIndex(index));
      assert(
        sameEntry(held, this.committed[index - 1]),
        `§5.4 leader ${node.id} has committed ${index}`,
      );
    }
  }

  /** A member is named when it begins to need a snapshot, and not again while it waits. */
  #watchSnapshots(node: TestNode): void {
    const named = node.snapshots.filter((to) => this.#waiting.has(`${node.id}>${to}`));
    assert(named.length === 0, `${node.id} names ${named} once per need`);
    for (const member of node.core.membership.members) {
      this.#waiting.delete(`${node.id}>${member.id}`);
    }
    for (const { id, state } of node.core.progress()) {
      if (state === "snapshot") this.#waiting.add(`${node.id}>${id}`);
    }
    const unneeded = node.snapshots.filter((to) => !this.#waiting.has(`${node.id}>${to}`));
    assert(unneeded.length === 0, `${unneeded} waits for the snapshot that ${node.id} has to send`);
  }

  /** A new global commit index: on the disks of a majority of the configuration in force. */
  #noteCommit(node: TestNode): void {
    const { core } = node;
    const index = core.commit;
    const holders = [...this.#nodes.values()].filter(({ log }) => log.term(index) === core.term);
    const voters = core.membership.members.filter(({ voter }) => voter).map(({ id }) => id);
    const durable = voters.filter((id) => holders.some((holder) => holder.id === id)).length;
    assert(
      durable >= majority(voters.length),
      `${index} is committed by ${node.id}, and on ${durable} disks of ${voters.length} voters`,
    );
    const holder = holders.find(({ log }) => log.firstIndex <= this.committed.length + 1);
    assert(holder !== undefined, "somebody holds everything that is newly committed");
    for (let at = this.committed.length + 1; at <= index; at += 1) {
      const entry = holder.log.entry(asIndex(at));
      assert(entry !== null, "the log of the holder has no gap");
      this.committed.push(entry);
      this.#digests.push(digestOf(this.#digests[at - 1] ?? 0, entry));
      this.#marks.commits += 1;
      if (entry.kind === "membership") this.#noteMembership(entry);
    }
  }

  #noteMembership(entry: Entry): void {
    const membership = decodeMembership(entry.data);
    const nextId = membership?.nextId ?? 0;
    assert(nextId >= this.#lastNextId, `id ${nextId} is not given to a second member`);
    this.#lastNextId = nextId;
    const voters = membership?.members.filter(({ voter }) => voter);
    const now = voters?.map(({ id }) => id) ?? [];
    const changed =
      now.filter((id) => !this.#lastVoters.includes(id)).length +
      this.#lastVoters.filter((id) => !now.includes(id)).length;
    assert(changed <= 1, `§6 ${this.#lastVoters} to ${now} is one voter at most`);
    this.#lastVoters = now;
  }

  #noteApply(node: TestNode, entry: Entry): void {
    const machine = this.machine(node);
    assert(
      entry.index === machine.index + 1,
      `${node.id} applies ${entry.index} after ${machine.index}`,
    );
    assert(
      sameEntry(this.committed[entry.index - 1], entry),
      `§5.4.3 ${node.id} applies what all apply`,
    );
    assert(node.log.entry(entry.index) === entry, "what is applied is on this node's disk");
    machine.apply(entry);
    assert(
      machine.digest === this.#digests[entry.index],
      `§5.4.3 the state of ${node.id} at ${entry.index} is everybody's`,
    );
  }

  /** The snapshot of a save is in its place: it is the state at its index, and it took nothing back. */
  noteInstall(node: TestNode, save: Save): void {
    if (save.snapshot === null) return;
    const machine = this.machine(node);
    const { index, term } = save.snapshot;
    assert(index > machine.index, `a snapshot takes ${node.id} from ${machine.index} to ${index}`);
    machine.restart(save.snapshot);
    assert(machine.digest === this.#digests[index], `§7 the snapshot is the state at ${index}`);
    assert(this.committed[index - 1]?.term === term, `§7 the snapshot ends with entry ${index}`);
    const held = this.committed.slice(0, index).findLastIndex(({ kind }) => kind === "membership");
    assert(save.snapshot.membership.index === held + 1, "§7 it has the configuration at its end");
    assert(node.hardState.term >= term, "the term of a log that restarts is on disk");
    this.#marks.installs += 1;
    if (node.core.last.index > index) this.#marks.appendedDuringInstall += 1;
  }

  noteSave(node: TestNode, save: Save): void {
    this.#elections.noteSave(node, save);
    const first = save.entries[0];
    if (save.snapshot !== null) assert(first === undefined, "§7 a snapshot is saved alone");
    if (first === undefined) return;
    if (first.index <= node.log.lastIndex) {
      this.#marks.overwritten += 1;
      const dropped = node.log.membershipAt(node.log.lastIndex);
      if (dropped !== null && dropped.index >= first.index) this.#marks.rolledBack += 1;
    }
    this.#noteEntries(node, save.entries);
  }

  /** §5.3 log matching: one index and term means one entry and one predecessor, everywhere. */
  #noteEntries(node: TestNode, entries: readonly Entry[]): void {
    // Cut away, maybe: then the predecessor is not known.
    let prevTerm: number | null = node.log.term(asIndex((entries[0]?.index ?? 1) - 1));
    for (const entry of entries) {
      const key = entry.index * termSpan + entry.term;
      const known = this.#known.get(key);
      if (known === undefined) this.#known.set(key, { prevTerm, entry });
      else {
        const before = prevTerm ?? known.prevTerm;
        const same = (known.prevTerm ?? before) === before && sameEntry(known.entry, entry);
        assert(same, `§5.3 ${entry.term}/${entry.index} is one entry`);
      }
      prevTerm = entry.term;
    }
  }

  noteMessage(node: TestNode, message: Message): void {
    this.#elections.noteMessage(message);
    if (message.type === "voteReply" && message.granted && !message.pre) {
      const { term, votedFor } = node.hardState;
      assert(
        term === message.term && votedFor === message.to,
        "a vote is on disk before it is told",
      );
      const key = node.id * termSpan + message.term;
      const before = this.#votes.get(key) ?? message.to;
      assert(before === message.to, `§5.2 ${node.id} votes once in term ${message.term}`);
      this.#votes.set(key, message.to);
    }
    if (message.type === "requestVote" && !message.pre) {
      const { term, votedFor } = node.hardState;
      assert(term >= message.term, "a term is on disk before a vote is asked for in it");
      assert(term > message.term || votedFor === node.id, "a candidate votes for itself");
      const key = node.id * termSpan + message.term;
      assert((this.#votes.get(key) ?? node.id) === node.id, `§5.2 ${node.id} votes once`);
      this.#votes.set(key, node.id);
    }
    if (message.type === "appendReply" && message.hint === null) {
      this.#noteAcknowledgement(node, message);
    }
  }

  #noteAcknowledgement(node: TestNode, message: MessageOf<"appendReply">): void {
    const { log, hardState } = node;
    const { index, term } = message;
    assert(log.lastIndex >= index, `${index} is on disk before it is acknowledged`);
    assert(hardState.term >= term, "a term is on disk before it is acknowledged in");
    // A leader's own disk has its whole log but for what it appended itself.
    const leader = this.#nodes.get(message.to);
    if (leader?.core.role !== "leader" || leader.core.term !== term) return;
    const expected = leader.log.lastIndex < index ? null : leader.log.term(index);
    if (expected === null || log.firstIndex > index) return;
    assert(log.term(index) === expected, `${index} is on disk as the leader has it`);
  }
}

function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ id, voter }, at) => id === b[at]?.id && voter === b[at]?.voter)
  );
}

function sameEntry(a: Entry | null | undefined, b: Entry | null | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.index !== b.index || a.term !== b.term || a.kind !== b.kind) return false;
  return a.data.length === b.data.length && a.data.every((byte, at) => byte === b.data[at]);
}
