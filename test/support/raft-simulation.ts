// A whole cluster in one thread from one seed, watched from outside after every step.

import { assert } from "../../src/assert.ts";
import { decodeMembership } from "../../src/raft/core/membership.ts";
import { majority } from "../../src/raft/core/quorum.ts";
import type { MembershipChange, Save } from "../../src/raft/core/ready.ts";
import {
  asIndex,
  type Entry,
  type Member,
  type Message,
  type MessageOf,
  type NodeId,
} from "../../src/raft/core/types.ts";
import { TestNode } from "./raft-node.ts";
import { seededRandom } from "./raft-random.ts";

/** What a run of one seed met; over many seeds none may stay 0. */
export interface Marks {
  elections: number;
  commits: number;
  reads: number;
  readsLost: number;
  overwritten: number;
  rolledBack: number;
  crashes: number;
  changes: number;
  transfers: number;
  learners: number;
  removedLeaders: number;
  liveAgain: number;
}

export function noMarks(): Marks {
  const zero = { elections: 0, commits: 0, reads: 0, readsLost: 0, overwritten: 0, rolledBack: 0 };
  const more = { crashes: 0, changes: 0, transfers: 0, learners: 0 };
  return { ...zero, ...more, removedLeaders: 0, liveAgain: 0 };
}

interface Known {
  readonly prevTerm: number;
  readonly entry: Entry;
}

const termSpan = 1_000_000;
const nodesMax = 7;

export class Simulation {
  readonly #random: () => number;
  readonly #marks: Marks;
  readonly #nodes = new Map<number, TestNode>();
  readonly #down = new Set<number>();
  readonly #network: Message[] = [];
  readonly #blocked = new Set<string>();
  readonly #voters: number;
  // Which faults this seed has, and how often.
  readonly #loss: number;
  readonly #duplication: number;
  readonly #faults: readonly (() => void)[];
  readonly #slowDisk: number;
  readonly #compacts: boolean;
  readonly #trouble: number;
  readonly #electionTicks: number;
  /** A full network loses a message for each new one; a small one has a small delay. */
  readonly #networkMax: number;
  #proposed = 0;
  // What the watcher has seen.
  readonly #leaderOf = new Map<number, number>();
  readonly #known = new Map<number, Known>();
  readonly #committed: Entry[] = [];
  readonly #votes = new Map<number, number>();
  readonly #seenCommit = new Map<number, number>();
  readonly #seenApplied = new Map<number, number>();
  readonly #seenTerm = new Map<number, number>();
  readonly #asked = new Map<number, Map<number, number>>();
  #lastVoters: readonly NodeId[] = [];

  constructor(seed: number, marks: Marks) {
    this.#random = seededRandom(seed);
    this.#marks = marks;
    this.#voters = this.#chance(0.5) ? 3 : this.#chance(0.8) ? 5 : this.#chance(0.5) ? 1 : 2;
    this.#loss = this.#chance(0.3) ? 0 : this.#random() * 0.3;
    this.#duplication = this.#chance(0.3) ? 0 : this.#random() * 0.3;
    this.#slowDisk = this.#random();
    this.#compacts = this.#chance(0.15);
    this.#trouble = this.#random();
    this.#electionTicks = 3 + this.#below(8);
    this.#networkMax = this.#chance(0.2) ? 300 : 10 + this.#below(50);
    const faults = [
      () => (this.#chance(0.5) ? this.#partition() : this.#blocked.clear()),
      () => (this.#down.size === 0 || this.#chance(0.3) ? this.#crash() : this.#restart()),
      () => this.#change(),
      () => this.#transfer(),
      () => this.#unreachable(),
      // A clock that runs ahead: with luck an election while the old leader still leads.
      () => this.#onNode((node) => node.ticks(this.#below(30))),
      () => this.#onNode((node) => node.core.campaign()),
      () => this.#usurp(),
      () => this.#usurp(),
    ];
    this.#faults = faults.filter(() => this.#chance(0.75));
    for (let id = 1; id <= this.#voters; id += 1) this.#addNode(id, this.#voters);
    this.#lastVoters = this.#node(1).core.membership.members.map(({ id }) => id);
    for (const node of this.#nodes.values()) this.#noteEntries(node, [this.#first(node)]);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) this.#step();
    if (!this.#compacts) this.#liveness();
  }

  #step(): void {
    const dice = this.#random();
    if (this.#blocked.size > 0 && this.#chance(0.005)) this.#blocked.clear();
    if (dice < 0.5 && this.#network.length > 0) this.#deliver(this.#below(this.#network.length));
    else if (dice < 0.78) this.#onNode((node) => node.core.tick());
    else if (dice < 0.87) this.#onNode((node) => this.#finishSave(node));
    else if (dice < 0.92) this.#propose();
    else if (dice < 0.94) this.#read();
    else if (dice < 0.95 && this.#compacts) this.#onNode((node) => this.#compact(node));
    else if (this.#chance(this.#trouble)) this.#faults[this.#below(this.#faults.length)]?.();
  }

  // --- The world -------------------------------------------------------------------------------

  #addNode(id: number, voters: number): TestNode {
    const options = { appendBytesMax: 100, inflightMessagesMax: 3, inflightBytesMax: 250 };
    const timing = { heartbeatTicks: 1, electionTicks: this.#electionTicks };
    const node = new TestNode({
      id,
      voters,
      random: this.#random,
      options: { ...options, ...timing },
    });
    this.#nodes.set(id, node);
    this.#asked.set(id, new Map());
    return node;
  }

  #onNode(act: (node: TestNode) => void): void {
    const node = this.#pick([...this.#nodes.values()]);
    if (node === undefined || this.#down.has(node.id)) return;
    act(node);
    this.#work(node);
  }

  #onLeader(act: (node: TestNode) => void): void {
    const leaders = [...this.#nodes.values()].filter(({ core }) => core.role === "leader");
    const node = this.#pick(leaders.filter(({ id }) => !this.#down.has(id)));
    if (node === undefined) return;
    act(node);
    this.#work(node);
  }

  #deliver(at: number): void {
    const message = this.#network[at];
    if (message === undefined) return;
    if (!this.#chance(this.#duplication)) {
      this.#network[at] = this.#network.at(-1) ?? message;
      this.#network.pop();
    }
    if (!this.#chance(this.#loss)) this.#hand(message);
  }

  #hand(message: Message): void {
    const node = this.#nodes.get(message.to);
    if (node === undefined || this.#down.has(message.to)) return;
    if (this.#blocked.has(`${message.from}>${message.to}`)) return;
    const dropped = node.core.dropped;
    node.core.step(message);
    assert(node.core.dropped === dropped, `an honest ${message.type} contradicts nothing`);
    this.#work(node);
  }

  /** Takes the core's work and looks at it. */
  #work(node: TestNode): void {
    const before = node.saving;
    node.pump();
    const save = node.saving;
    if (save !== null && save !== before) {
      this.#noteSave(node, save);
      if (this.#chance(1 - this.#slowDisk)) this.#finishSave(node);
    }
    for (const message of node.take()) this.#send(node, message);
    this.#watch(node);
  }

  #send(node: TestNode, message: Message): void {
    this.#noteMessage(node, message);
    const max = this.#networkMax;
    if (this.#network.length >= max) this.#network[this.#below(max)] = message;
    else this.#network.push(message);
  }

  #finishSave(node: TestNode): void {
    if (node.saving === null) return;
    const { term } = node.hardState;
    node.finishSave();
    assert(node.hardState.term >= term, `the durable term of ${node.id} never falls`);
    if (node.saving !== null) this.#noteSave(node, node.saving);
  }

  #propose(): void {
    this.#onLeader((node) => {
      const count = 1 + this.#below(4);
      const data = Array.from({ length: count }, () => {
        this.#proposed += 1;
        return new TextEncoder().encode(`value ${this.#proposed}`);
      });
      node.core.propose(data);
    });
  }

  /** Everybody who believes to lead is asked, for one of them may be deposed. */
  #read(): void {
    for (const node of this.#nodes.values()) {
      if (this.#down.has(node.id)) continue;
      const id = node.core.readIndex();
      if (id === null) continue;
      this.#asked.get(node.id)?.set(id, this.#committed.length);
      this.#work(node);
    }
  }

  #compact(node: TestNode): void {
    const applied = this.#seenApplied.get(node.id) ?? 0;
    const index = this.#below(applied + 1);
    if (index > 0) node.log.cutBefore(asIndex(index));
  }

  #partition(): void {
    this.#blocked.clear();
    const ids = [...this.#nodes.keys()];
    const side = new Set(ids.filter(() => this.#chance(0.4)));
    const oneWay = this.#chance(0.3);
    for (const a of ids) {
      for (const b of ids) {
        if (side.has(a) === side.has(b)) continue;
        if (!oneWay || side.has(a)) this.#blocked.add(`${a}>${b}`);
      }
    }
  }

  #crash(): void {
    this.#onNode((node) => {
      this.#marks.crashes += 1;
      // The save in flight is lost, or is on disk without anybody knowing.
      if (this.#chance(0.5)) node.writeSave();
      const applied = this.#seenApplied.get(node.id) ?? 0;
      const from = Math.max(node.log.firstIndex - 1, this.#below(applied + 1));
      const kept = from < node.log.firstIndex && from > 0 ? node.log.firstIndex : from;
      node.crash(kept);
      this.#seenApplied.set(node.id, kept);
      this.#seenCommit.set(node.id, kept);
      this.#asked.set(node.id, new Map());
      if (this.#chance(0.5)) this.#down.add(node.id);
    });
  }

  #restart(): void {
    const id = this.#pick([...this.#down]);
    if (id !== undefined) this.#down.delete(id);
  }

  #change(): void {
    this.#onLeader((node) => {
      const { core } = node;
      const { members } = core.membership;
      const change = this.#anyChange(members);
      if (change === null) return;
      const pending = core.membershipPending;
      const outcome = core.proposeMembership(change);
      if (typeof outcome === "string") return;
      this.#marks.changes += 1;
      assert(!pending, "one change at a time");
      const own = this.#committed[core.commit - 1];
      assert(own?.term === core.term, "no change before an own entry is committed (thesis 4.1)");
      if (change.type === "addLearner") {
        this.#marks.learners += 1;
        const { nextId } = core.membership;
        if (!this.#nodes.has(nextId - 1)) this.#addNode(nextId - 1, 0);
      }
      if (change.type === "remove" && change.id === node.id) this.#marks.removedLeaders += 1;
    });
  }

  #anyChange(members: readonly Member[]): MembershipChange | null {
    const member = this.#pick(members);
    if (member === undefined) return null;
    const address = `address ${this.#random()}`;
    const room = members.length < 5 && this.#nodes.size < nodesMax;
    if (room && this.#chance(0.6)) return { type: "addLearner", address };
    if (!member.voter) return { type: "promote", id: member.id };
    if (this.#chance(0.2)) return { type: "setAddress", member: { ...member, address } };
    return { type: "remove", id: member.id };
  }

  #transfer(): void {
    this.#onLeader((node) => {
      const to = this.#pick(node.core.membership.members)?.id;
      if (to !== undefined && node.core.transfer(to) === null) this.#marks.transfers += 1;
    });
  }

  /** The leader is cut off, goes on appending what nobody gets, and the others elect another. */
  #usurp(): void {
    this.#onLeader((leader) => {
      const others = this.#cutOff(leader.id);
      leader.core.propose([new Uint8Array(2), new Uint8Array(3)]);
      for (const id of others) if (!this.#down.has(id)) this.#node(id).ticks(this.#electionTicks);
      const heir = this.#pick(others);
      if (heir === undefined || this.#down.has(heir)) return;
      this.#node(heir).core.campaign();
      this.#work(this.#node(heir));
      if (this.#chance(0.5)) this.#read();
      this.#drain(30);
      if (this.#chance(0.5)) this.#read();
    });
    if (this.#chance(0.5)) this.#change();
  }

  /** Nobody hears `id` any more, and mostly it hears nobody; the others. */
  #cutOff(id: number): readonly number[] {
    const others = [...this.#nodes.keys()].filter((other) => other !== id);
    this.#blocked.clear();
    for (const other of others) {
      this.#blocked.add(`${id}>${other}`);
      if (this.#chance(0.7)) this.#blocked.add(`${other}>${id}`);
    }
    return others;
  }

  #unreachable(): void {
    this.#onLeader((node) => {
      const peer = this.#pick(node.core.membership.members)?.id;
      if (peer !== undefined) node.core.unreachable(peer);
    });
  }

  // --- The watcher -----------------------------------------------------------------------------

  #watch(node: TestNode): void {
    const { core } = node;
    this.#watchLeader(node);
    const before = this.#seenCommit.get(node.id) ?? 0;
    assert(core.commit >= before, `the commit index of ${node.id} never falls`);
    assert(core.commit <= core.last.index, "commit is within the log");
    this.#seenCommit.set(node.id, core.commit);
    if (core.commit > this.#committed.length) this.#noteCommit(node);
    this.#watchMembership(node);
    const lastTerm = this.#seenTerm.get(node.id) ?? 0;
    this.#seenTerm.set(node.id, Math.max(lastTerm, node.hardState.term));
    assert(node.hardState.term >= lastTerm, "a durable term never falls");
    for (const entry of node.applied) this.#noteApply(node, entry);
    node.applied.length = 0;
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
    // §5.4: its log has everything that was ever committed.
    for (let index = this.#committed.length; index >= node.log.firstIndex; index -= 1) {
      const held = node.log.entry(asIndex(index));
      assert(
        sameEntry(held, this.#committed[index - 1]),
        `§5.4 leader ${node.id} has committed ${index}`,
      );
    }
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
    const holder = holders.find(({ log }) => log.firstIndex <= this.#committed.length + 1);
    assert(holder !== undefined, "somebody holds everything that is newly committed");
    for (let at = this.#committed.length + 1; at <= index; at += 1) {
      const entry = holder.log.entry(asIndex(at));
      assert(entry !== null, "the log of the holder has no gap");
      this.#committed.push(entry);
      this.#marks.commits += 1;
      if (entry.kind === "membership") this.#noteMembership(entry);
    }
  }

  #noteMembership(entry: Entry): void {
    const voters = decodeMembership(entry.data)?.members.filter(({ voter }) => voter);
    const now = voters?.map(({ id }) => id) ?? [];
    const changed =
      now.filter((id) => !this.#lastVoters.includes(id)).length +
      this.#lastVoters.filter((id) => !now.includes(id)).length;
    assert(changed <= 1, `§6 ${this.#lastVoters} to ${now} is one voter at most`);
    this.#lastVoters = now;
  }

  #noteApply(node: TestNode, entry: Entry): void {
    const before = this.#seenApplied.get(node.id) ?? 0;
    assert(entry.index === before + 1, `${node.id} applies ${entry.index} after ${before}`);
    assert(
      sameEntry(this.#committed[entry.index - 1], entry),
      `§5.4.3 ${node.id} applies what all apply`,
    );
    assert(node.log.entry(entry.index) === entry, "what is applied is on this node's disk");
    this.#seenApplied.set(node.id, entry.index);
  }

  #noteSave(node: TestNode, save: Save): void {
    const first = save.entries[0];
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
    let prevTerm: number = node.log.term(asIndex((entries[0]?.index ?? 1) - 1)) ?? 0;
    for (const entry of entries) {
      const key = entry.index * termSpan + entry.term;
      const known = this.#known.get(key);
      if (known === undefined) this.#known.set(key, { prevTerm, entry });
      else {
        const same = known.prevTerm === prevTerm && sameEntry(known.entry, entry);
        assert(same, `§5.3 ${entry.term}/${entry.index} is one entry`);
      }
      prevTerm = entry.term;
    }
  }

  #noteMessage(node: TestNode, message: Message): void {
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

  // --- The end: faults stop, and the cluster must come back -------------------------------------

  #liveness(): void {
    this.#blocked.clear();
    this.#down.clear();
    for (let round = 0; round < 400; round += 1) {
      for (const node of this.#nodes.values()) {
        node.core.tick();
        this.#work(node);
      }
      this.#drain();
      if (round % 5 === 4 && this.#isLive()) {
        this.#marks.liveAgain += 1;
        return;
      }
    }
    const story = [...this.#nodes.values()].map(({ id, core }) => {
      const members = core.membership.members.map((m) => `${m.id}${m.voter ? "" : "L"}`);
      return `${id}:${core.role} t${core.term} ${core.last.term}/${core.last.index} c${core.commit} {${members}}`;
    });
    assert(false, `the cluster is live again once faults stop: ${story.join("; ")}`);
  }

  #drain(budget = 3000): void {
    for (let spent = 0; spent < budget; spent += 1) {
      const message = this.#network.shift();
      if (message !== undefined) this.#hand(message);
      for (const node of this.#nodes.values()) {
        if (node.saving === null || this.#down.has(node.id)) continue;
        this.#finishSave(node);
        this.#work(node);
      }
      if (this.#network.length === 0) return;
    }
  }

  /** A leader whose newest entry everybody in its configuration has applied, and one more goes through. */
  #isLive(): boolean {
    const leaders = [...this.#nodes.values()].filter(({ core }) => core.role === "leader");
    leaders.sort((a, b) => b.core.term - a.core.term);
    const leader = leaders[0];
    if (leader === undefined) return false;
    const index = leader.core.propose([new Uint8Array(1)])?.[0]?.index;
    if (index === undefined) return false;
    leader.core.readIndex();
    this.#asked.get(leader.id)?.set(leader.core.readIndex() ?? 0, this.#committed.length);
    const reads = this.#marks.reads;
    this.#work(leader);
    this.#drain();
    for (const node of this.#nodes.values()) if (node.id === leader.id) node.ticks(2);
    this.#work(leader);
    this.#drain();
    return (
      this.#marks.reads > reads &&
      leader.core.membership.members.every(({ id }) => (this.#seenApplied.get(id) ?? 0) >= index)
    );
  }

  // --- Chance ----------------------------------------------------------------------------------

  #node(id: number): TestNode {
    const node = this.#nodes.get(id);
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  #first(node: TestNode): Entry {
    const entry = node.log.entry(asIndex(1));
    assert(entry !== null, "a member starts with the founding entry");
    return entry;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#below(list.length)];
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
