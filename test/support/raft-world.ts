// Nodes, disks and a network that loses, repeats and reorders, all in one thread and watched.

import { assert } from "../../src/assert.ts";
import { asIndex, asNode, type Message, type MessageOf } from "../../src/raft/core/types.ts";
import type { Chance } from "./raft-chance.ts";
import type { Marks } from "./raft-marks.ts";
import { Network } from "./raft-network.ts";
import { TestNode } from "./raft-node.ts";
import { Watcher } from "./raft-watcher.ts";

/** A checkpoint on its way: slower than messages, and as a whole. */
interface Transfer {
  readonly message: MessageOf<"installSnapshot">;
  readonly digest: number;
}

/** More transfers than this are given up. */
const transfersMax = 8;
/** Few small entries fit into it, and a large one does not. */
const probeBytesMax = 50;
/** A few messages' worth: who is further behind waits for more turns. */
const catchUpBytesPerTurn = 120;
const cachedEntries = 6;

export class World {
  readonly nodes = new Map<number, TestNode>();
  readonly down = new Set<number>();
  /** "from>to" of links that lose everything. */
  readonly blocked = new Set<string>();
  /** The node whose saves do not come back. */
  hungDisk: number | null = null;
  readonly watcher: Watcher;
  readonly electionTicks: number;
  readonly #chance: Chance;
  readonly #marks: Marks;
  readonly #network: Network;
  readonly #transfers: Transfer[] = [];
  /** Transfers whose end was not told to the leader yet. */
  readonly #ended: Transfer[] = [];
  /** Members that were told that the leader of this term is gone. */
  readonly #leaderless = new Map<number, number>();
  // Which faults this seed has, and how often.
  readonly #loss: number;
  readonly #duplication: number;
  readonly #slowDisk: number;

  /** `connections`: chance of its own for what travels, so that it moves nothing else in a seed. */
  constructor(chance: Chance, connections: Chance, marks: Marks) {
    this.#chance = chance;
    this.#marks = marks;
    this.#loss = chance.coin(0.3) ? 0 : chance.random() * 0.3;
    this.#duplication = chance.coin(0.3) ? 0 : chance.random() * 0.3;
    this.#slowDisk = chance.random();
    this.electionTicks = 3 + chance.below(8);
    const messagesMax = chance.coin(0.2) ? 300 : 10 + chance.below(50);
    this.#network = new Network(connections, { messagesMax, probeBytesMax });
    this.watcher = new Watcher(this.nodes, marks);
  }

  add(id: number, voters: number): void {
    const window = { inflightMessagesMax: 3, inflightBytesMax: 250 };
    const options = { ...window, appendBytesMax: 100, probeBytesMax, catchUpBytesPerTurn };
    const timing = { heartbeatTicks: 1, electionTicks: this.electionTicks };
    const { random } = this.#chance;
    const node = new TestNode({ id, voters, random, options: { ...options, ...timing } });
    this.nodes.set(id, node);
    this.watcher.join(node);
  }

  node(id: number): TestNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  get leaders(): readonly TestNode[] {
    return [...this.nodes.values()].filter(({ core }) => core.role === "leader");
  }

  onNode(act: (node: TestNode) => void): void {
    const node = this.#chance.pick([...this.nodes.values()]);
    if (node === undefined || this.down.has(node.id)) return;
    act(node);
    this.work(node);
  }

  onLeader(act: (node: TestNode) => void): void {
    const node = this.#chance.pick(this.leaders.filter(({ id }) => !this.down.has(id)));
    if (node === undefined) return;
    act(node);
    this.work(node);
  }

  // --- Network ---------------------------------------------------------------------------------

  get hasMessages(): boolean {
    return !this.#network.isEmpty;
  }

  /** Any message that is on its way arrives, or is lost; maybe it arrives once more later. */
  deliver(): void {
    const message = this.#network.next();
    if (message === undefined) return;
    const isRepeated = this.#chance.coin(this.#duplication) && !this.#network.isOrdered;
    if (isRepeated) this.#network.send(message);
    if (this.#chance.coin(this.#loss)) this.#network.lost(message);
    else this.#hand(message);
  }

  /** The followers hear the leader's heartbeats now; their answers stay on their way. */
  answersTo(leader: number): readonly Message[] {
    const heartbeats = this.#network.takeAll(
      ({ type, from }) => type === "heartbeat" && from === leader,
    );
    for (const message of heartbeats) this.#hand(message);
    return this.#network.takeAll(({ type, to }) => type === "heartbeatReply" && to === leader);
  }

  /** The leader sees that its connection to a member is gone. */
  disconnect(leader: TestNode, member: number): void {
    this.#network.disconnect(leader.id, member);
    leader.core.unreachable(asNode(member));
  }

  /** Messages that were on their way for long; no link that is cut now holds them up. */
  arrive(messages: readonly Message[]): void {
    for (const message of messages) {
      this.blocked.delete(`${message.from}>${message.to}`);
      this.#hand(message);
    }
  }

  #hand(message: Message): void {
    const node = this.nodes.get(message.to);
    const isBlocked = this.blocked.has(`${message.from}>${message.to}`);
    if (node === undefined || this.down.has(message.to) || isBlocked) {
      this.#network.lost(message);
      return;
    }
    const { dropped } = node.core;
    node.core.step(message);
    assert(node.core.dropped === dropped, `an honest ${message.type} contradicts nothing`);
    assert(node.core.lostUpTo === null, "an honest disk loses nothing");
    this.work(node);
  }

  #send(node: TestNode, message: Message): void {
    this.watcher.noteMessage(node, message);
    const hangs = node.core.savingTicks > 2 * this.electionTicks;
    if (message.type === "timeoutNow" && hangs) this.#marks.hungDisks += 1;
    this.#network.send(message);
  }

  // --- Snapshots on their way --------------------------------------------------------------------

  #needed(leader: TestNode, to: number): void {
    this.#marks.snapshotsNeeded += 1;
    const { firstIndex } = leader.log;
    const { index } = leader.snapshotFor(to).point;
    assert(firstIndex <= index + 1, "§7 the log goes on behind the snapshot");
    this.startTransfer(leader, to);
  }

  startTransfer(leader: TestNode, to: number): void {
    const message = leader.snapshotFor(to);
    const { index } = message.point;
    const digest = this.watcher.machine(leader).digestAt(index);
    this.#transfers.push({ message, digest });
    if (this.#transfers.length <= transfersMax) return;
    const lost = this.#chance.take(this.#transfers);
    if (lost !== undefined) this.#ended.push(lost);
  }

  /** Any snapshot that is on its way is there as a whole, or is lost; maybe it is sent twice. */
  deliverSnapshot(): void {
    const transfer = this.#chance.take(this.#transfers);
    if (transfer === undefined) return;
    if (this.#chance.coin(this.#duplication)) this.#transfers.push(transfer);
    else this.#ended.push(transfer);
    if (!this.#chance.coin(this.#loss)) this.#handSnapshot(transfer);
  }

  #handSnapshot({ message, digest }: Transfer): void {
    const node = this.nodes.get(message.to);
    if (node === undefined || this.down.has(message.to)) return;
    const { index } = message.point;
    const { installing, commit, term } = node.core;
    this.watcher.machine(node).stage(index, digest);
    this.#network.overtaken(message);
    this.#hand(message);
    if (term > message.term || this.blocked.has(`${message.from}>${message.to}`)) return;
    if (index <= commit) this.#marks.snapshotsIgnored += 1;
    else if (node.core.installing === null && node.log.firstIndex <= index)
      this.#marks.suffixesRetained += 1;
    else if (installing !== null && installing.index < index) this.#marks.installsReplaced += 1;
  }

  /** The leader learns that a transfer is over, but not what came of it. */
  endTransfer(): void {
    const ended = this.#chance.take(this.#ended);
    if (ended === undefined) return;
    const { from, to } = ended.message;
    if (this.down.has(from)) return;
    this.node(from).core.snapshotFailed(to);
    this.work(this.node(from));
  }

  // --- Nodes and disks ---------------------------------------------------------------------------

  /** Takes the core's work and looks at it. */
  work(node: TestNode): void {
    const before = node.saving;
    node.log.cachedFrom = node.log.lastIndex - cachedEntries;
    node.turn();
    const save = node.saving;
    if (save !== null && save !== before) {
      this.watcher.noteSave(node, save);
      // An install takes its time: it waits for a step of its own.
      if (save.snapshot === null && this.#chance.coin(1 - this.#slowDisk)) this.finishSave(node);
    }
    for (const message of node.take()) this.#send(node, message);
    this.watcher.watch(node);
    for (const member of node.snapshots.splice(0)) this.#needed(node, member);
    this.#noteHaste(node);
  }

  finishSave(node: TestNode): void {
    const { saving } = node;
    if (saving === null || node.id === this.hungDisk) return;
    const { term } = node.hardState;
    node.finishSave();
    assert(node.hardState.term >= term, `the durable term of ${node.id} never falls`);
    this.watcher.noteInstall(node, saving);
    if (node.saving !== null) this.watcher.noteSave(node, node.saving);
  }

  /** What the node has applied becomes durable. */
  checkpoint(node: TestNode): void {
    const machine = this.watcher.machine(node);
    if (machine.index <= (node.checkpoint?.index ?? 0)) return;
    node.checkpointAt(machine.index);
    machine.checkpoint();
  }

  /** A checkpoint, perhaps, and the log is cut somewhere below its own entry. */
  compact(node: TestNode): void {
    if (this.#chance.coin(0.7)) this.checkpoint(node);
    if (node.checkpoint === null) return;
    const { index } = node.checkpoint;
    const first = asIndex(this.#chance.coin(0.6) ? index : this.#chance.below(index + 1));
    node.log.cutBefore(first, this.#chance.coin(0.5) ? "kept" : "forgotten");
  }

  crash(node: TestNode): void {
    this.#marks.crashes += 1;
    if (this.#chance.coin(0.5)) this.checkpoint(node);
    this.#stopDisk(node);
    node.crash();
    this.watcher.crashed(node);
    this.#leaderless.delete(node.id);
    if (this.#chance.coin(0.5)) this.down.add(node.id);
  }

  /** The save in flight is lost, or is on disk without anybody knowing; an install has more steps. */
  #stopDisk(node: TestNode): void {
    if (node.saving?.snapshot == null) {
      if (this.#chance.coin(0.5)) node.writeSave();
      return;
    }
    const steps = this.#chance.below(4);
    if (steps >= 1) node.writeHardState();
    if (steps === 2) node.switchState();
    if (steps === 3) node.writeSave();
    if (steps <= 1) this.#marks.crashesBeforeSwitch += 1;
    else if (steps === 2) this.#marks.crashesBeforeRestart += 1;
    else this.#marks.crashesAfterInstall += 1;
  }

  /** One follower is told that its leader's process is gone; now and then that is wrong. */
  reportGone(node: TestNode): void {
    const { leader, term } = node.core;
    if (leader === null || leader === node.id) return;
    const wrong = !this.down.has(leader);
    if (wrong && this.#chance.coin(0.7)) return;
    node.core.leaderGone(leader);
    if (wrong) this.#marks.wrongReports += 1;
    else this.#leaderless.set(node.id, term);
  }

  #noteHaste({ id, core }: TestNode): void {
    const term = this.#leaderless.get(id);
    if (term === undefined || core.leader === null) return;
    if (core.role === "leader" && core.term === term + 1) this.#marks.goneElections += 1;
    this.#leaderless.delete(id);
  }

  // --- Without faults ----------------------------------------------------------------------------

  heal(): void {
    this.blocked.clear();
    this.down.clear();
  }

  /** Everything arrives, in order, once, and all disks work. */
  drain(budget = 3000): void {
    for (let spent = 0; spent < budget; spent += 1) {
      const message = this.#network.shift();
      if (message !== undefined) this.#hand(message);
      for (const node of this.nodes.values()) {
        const hangs = this.down.has(node.id) || node.id === this.hungDisk;
        if (node.saving === null || hangs) continue;
        this.finishSave(node);
        this.work(node);
      }
      if (this.#network.isEmpty) return;
    }
  }

  drainSnapshots(): void {
    for (const transfer of this.#transfers.splice(0)) {
      this.#handSnapshot(transfer);
      this.#ended.push(transfer);
    }
    this.drain();
    while (this.#ended.length > 0) this.endTransfer();
  }
}
