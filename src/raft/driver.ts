// The loop around the core: durable, then speak, then act. Everything since the last turn shares one disk write.

import { assert } from "../assert.ts";
import type { CoreView, MembershipChange, RaftCore, Ready, Save } from "./core/core.ts";
import type { EntryId, LogIndex, Message, NodeId, PeerMessage, Term } from "./core/types.ts";
import type { Consumer, LogStore, Transport } from "./ports.ts";

export interface DriverPorts {
  readonly store: LogStore;
  readonly transport: Transport;
  readonly consumer: Consumer;
  /** Asks for a `turn` soon: at the end of this turn of the event loop. Called as often as one likes. */
  readonly wake: () => void;
}

/**
 * Feeds the core with ticks, messages and proposals, and carries out its work. Knows no clock and
 * no socket: whoever owns it calls `tick` and `turn`, so a simulation can own it as well.
 */
export class RaftDriver {
  readonly #core: RaftCore;
  readonly #ports: DriverPorts;
  #saving: Save | null = null;
  #leader: NodeId | null = null;
  #term: Term;
  #hasLost = false;

  constructor(core: RaftCore, ports: DriverPorts) {
    this.#core = core;
    this.#ports = ports;
    this.#term = core.term;
  }

  /** What the core knows. What changes it goes through the driver, which asks for a turn. */
  get core(): CoreView {
    return this.#core;
  }
  get isLeader(): boolean {
    return this.#core.role === "leader";
  }
  get firstIndex(): LogIndex {
    return this.#ports.store.firstIndex;
  }
  get logBytes(): number {
    return this.#ports.store.bytes;
  }
  tick(): void {
    this.#core.tick();
    this.#ports.wake();
  }

  step(message: Message): void {
    this.#core.step(message);
    this.#ports.wake();
  }

  /** Null when this node does not lead, or is handing leadership over. */
  propose(data: readonly Uint8Array[]): readonly EntryId[] | null {
    const ids = this.#core.propose(data);
    if (ids !== null) this.#ports.wake();
    return ids;
  }

  /** The entry of the change, or in words why there is none. */
  proposeMembership(change: MembershipChange): EntryId | string {
    const outcome = this.#core.proposeMembership(change);
    this.#ports.wake();
    return outcome;
  }

  /** Null when this node does not lead; else the id that comes back by `readReady` or `readLost`. */
  readIndex(): number | null {
    const id = this.#core.readIndex();
    if (id !== null) this.#ports.wake();
    return id;
  }

  /** Null, or why not. */
  transfer(to: NodeId): string | null {
    const refusal = this.#core.transfer(to);
    this.#ports.wake();
    return refusal;
  }

  campaign(): void {
    this.#core.campaign();
    this.#ports.wake();
  }

  unreachable(peer: NodeId): void {
    this.#core.unreachable(peer);
    this.#ports.wake();
  }

  /** The transfer to a member is over, and may not have helped. */
  snapshotFailed(peer: NodeId): void {
    this.#core.snapshotFailed(peer);
    this.#ports.wake();
  }

  /** The leader's port refuses connections: its process is gone. May be told as often as it is seen. */
  leaderGone(leader: NodeId): void {
    this.#core.leaderGone(leader);
    this.#ports.wake();
  }

  /** Carries out all work that the core has now. */
  turn(): void {
    this.#core.beginTurn();
    for (let ready = this.#ready(); ready !== null; ready = this.#ready()) this.#carryOut(ready);
    this.#tellOfLeader();
    this.#tellOfLoss();
    if (this.#core.wantsTurn) this.#ports.wake();
  }

  #carryOut(ready: Ready): void {
    const { transport, consumer } = this.#ports;
    if (ready.save !== null) this.#save(ready.save); //           1. the disk starts,
    for (const message of ready.messages) this.#send(message); // 2. peers work meanwhile,
    if (ready.messages.length > 0) transport.flush();
    for (const member of ready.snapshots) transport.sendSnapshot(member);
    this.#tellOfLeader();
    if (ready.committed.length > 0) consumer.committed(ready.committed); // 3. apply,
    for (const id of ready.readsLost) consumer.readLost(id);
    for (const read of ready.reads) consumer.readReady(read); //            4. read.
  }

  #ready(): Ready | null {
    return this.#core.ready(this.#ports.consumer.standsStill);
  }

  #save(save: Save): void {
    assert(this.#saving === null, "one log write is in flight at a time");
    this.#saving = save;
    const { store, consumer } = this.#ports;
    const { snapshot } = save;
    const saved = () => this.#saved(save);
    if (snapshot === null) {
      store.save(save, saved);
    } else if (save.hardState === null) {
      consumer.install(snapshot, saved);
    } else {
      // The log may not begin in a newer term than the one that this node knows after a crash.
      store.save(save, () => consumer.install(snapshot, saved));
    }
  }

  #saved(save: Save): void {
    assert(this.#saving === save, "the log completes writes in order");
    this.#saving = null;
    this.#core.saved(save);
    for (const message of save.messages) this.#send(message); // What they acknowledge is on disk.
    this.#ports.wake();
  }

  #send(message: PeerMessage): void {
    this.#ports.transport.send(message);
  }

  #tellOfLoss(): void {
    const { lostUpTo } = this.#core;
    if (lostUpTo === null || this.#hasLost) return;
    this.#hasLost = true;
    this.#ports.consumer.lost(lostUpTo);
  }

  #tellOfLeader(): void {
    const { leader, term } = this.#core;
    if (leader === this.#leader && term === this.#term) return;
    this.#leader = leader;
    this.#term = term;
    this.#ports.consumer.leaderChanged(leader, term);
  }
}
