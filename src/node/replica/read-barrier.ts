// Confirms that a read may run: a ReadIndex round at the leader, here or through a peer.

import { peerReadsMax } from "../../constants.ts";
import type { LogIndex, NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { tickProposal } from "../../state/execution/proposal.ts";
import {
  decodeReadIndex,
  decodeReadIndexReply,
  encodeReadIndex,
  encodeReadIndexReply,
  frameKind,
  type Peers,
} from "../frames.ts";
import { LifeNumbers } from "../life-numbers.ts";

/** Opt-in: reads that trust the clock instead of asking a majority each time (thesis 6.4.1). */
export interface Lease {
  /** How long a confirmed round speaks for the reads after it. */
  readonly ms: number;
  /** Of a clock that nobody sets. */
  monotonicMs(): number;
}

export interface ReadBarrierOptions {
  readonly nodeId: NodeId;
  /** Of this life of the node. */
  readonly incarnation: number;
  readonly driver: Pick<RaftDriver, "readIndex" | "propose" | "isLeader" | "core">;
  readonly peers: Pick<Peers, "send">;
  /** As this node knows it. */
  readonly leader: () => NodeId | null;
  /** The log clock, in Unix ms: `NodeTime.now`. */
  readonly nowMs: () => number;
  /** Asks for a `flush` at the end of this turn. */
  readonly wake: () => void;
  /** Reads of the token may run once the state is applied up to `index`. */
  readonly confirmed: (token: number, index: number, clockMs: number) => void;
  readonly lease?: Lease | null;
  readonly peerReadsMax?: number;
}

interface Request {
  /** 0: this node's own. */
  readonly peer: number;
  readonly token: number;
  readonly tick: boolean;
}

/** Requests that wait for the same thing, one of each node: its newest token speaks for its older ones. */
type Sharing = Map<number, Request>;

/** Requests that share a round of the core, and when the first of them asked for it. */
interface Round {
  readonly sharing: Sharing;
  readonly askedMs: number;
}

/** Requests that wait until an entry is applied. */
interface Tick {
  readonly term: number;
  readonly sharing: Sharing;
}

/**
 * Rounds that wait for a confirmation. Own requests survive a change of leader (they are asked
 * again); those of peers are dropped with leadership, because the peer asks the new leader itself.
 *
 * Tokens ascend, and what confirms one confirms all older ones of its kind: so of several only the newest is asked.
 */
export class ReadBarrier {
  readonly #options: ReadBarrierOptions;
  readonly #peerReadsMax: number;
  #leaseUntilMs = 0;
  /** A leader keeps the requests of its peers, so a peer's next incarnation must not use a token again. */
  readonly #tokens: LifeNumbers;
  /** As of the last `askStale`. */
  #oldestOpen = 0;
  /** Own requests without an answer, by token. */
  readonly #open = new Map<number, Request>();
  /** Own requests that nobody could be asked for yet, the newest of its kind. */
  #unasked: { read: Request | null; tick: Request | null } = { read: null, tick: null };
  /** By the id of the core's round. */
  readonly #rounds = new Map<number, Round>();
  /** By the index of the entry. */
  readonly #ticks = new Map<number, Tick>();
  /** How many requests of each peer wait in `#rounds` and `#ticks`. */
  readonly #peerReads = new Map<number, number>();

  constructor(options: ReadBarrierOptions) {
    this.#options = options;
    this.#peerReadsMax = options.peerReadsMax ?? peerReadsMax;
    this.#tokens = new LifeNumbers(options.incarnation);
  }

  /** Requests of peers that this node keeps in mind. */
  get peerReads(): number {
    let reads = 0;
    for (const count of this.#peerReads.values()) reads += count;
    return reads;
  }

  /** Returns the token that `confirmed` will name. With `tick`, log time has reached the leader's log clock by then. */
  request(tick: boolean): number {
    const request = { peer: 0, token: this.#tokens.next(), tick };
    this.#open.set(request.token, request);
    this.#askLater(request);
    this.#options.wake();
    return request.token;
  }

  /** A token that nobody waits for any more. */
  forget(token: number): void {
    this.#open.delete(token);
  }

  /** Asks for whatever is not asked yet. */
  flush(): void {
    const { read, tick } = this.#unasked;
    if (read === null && tick === null) return;
    this.#unasked = { read: null, tick: null };
    for (const request of [read, tick]) {
      if (request === null || !this.#open.has(request.token)) continue;
      if (!this.#startHere(request) && !this.#askLeader(request)) this.#askLater(request);
    }
  }

  /**
   * A frame of `frameKind.readIndex`: a follower asks. It gets no answer when this node does not lead (then it asks
   * the next leader), nor when this node keeps too many requests of it (then it asks again).
   */
  asked(from: NodeId, frame: Buffer): void {
    const asked = decodeReadIndex(frame);
    if (asked === null || this.#readsOf(from) >= this.#peerReadsMax) return;
    this.#startHere({ peer: from, ...asked });
  }

  /** A frame of `frameKind.readIndexReply`. */
  answered(frame: Buffer): void {
    const reply = decodeReadIndexReply(frame);
    if (reply === null) return;
    this.#answered(reply.token, reply.index, reply.clockMs);
    this.#options.wake();
  }

  /** The connection to a node is gone, and perhaps its process: in its next life it asks anew. */
  forgetPeer(peer: number): void {
    for (const { sharing } of [...this.#rounds.values(), ...this.#ticks.values()]) {
      sharing.delete(peer);
    }
    this.#peerReads.delete(peer);
  }

  /** `patient`: nobody else can be elected for an election timeout after the round was asked for. */
  roundConfirmed(round: number, index: LogIndex, patient: boolean): void {
    const confirmed = this.#endRound(round);
    if (confirmed === undefined) return;
    // The lease begins when the round was asked for: the majority's promises are no older than that.
    const leaseMs = patient ? (this.#options.lease?.ms ?? 0) : 0;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, confirmed.askedMs + leaseMs);
    for (const request of confirmed.sharing.values()) this.#confirm(request, index);
  }

  roundLost(round: number): void {
    for (const request of this.#endRound(round)?.sharing.values() ?? []) this.#askLater(request);
  }

  /** An entry was applied, and requests may have waited for it. An entry of another term took the place of ours. */
  applied(index: number, term: number): void {
    if (this.#ticks.size === 0) return;
    const tick = this.#ticks.get(index);
    if (tick === undefined) return;
    this.#ticks.delete(index);
    this.#ended(tick.sharing);
    for (const request of tick.sharing.values()) {
      if (tick.term === term) this.#confirm(request, index);
      else this.#askLater(request);
    }
  }

  /** The leader, its term or the connection to it changed: whatever is open is asked again. */
  askAgain(): void {
    this.#leaseUntilMs = 0;
    this.#rounds.clear();
    this.#ticks.clear();
    this.#peerReads.clear();
    for (const request of this.#open.values()) this.#askLater(request);
  }

  /** Now and then: an answer may have been dropped on its way, so what is open for long is asked again. */
  askStale(): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && oldest === this.#oldestOpen) {
      for (const request of this.#open.values()) this.#askLater(request);
    }
    this.#oldestOpen = oldest ?? 0;
  }

  #askLater(request: Request): void {
    if (request.peer !== 0) return;
    const kind = request.tick ? "tick" : "read";
    if (request.token >= (this.#unasked[kind]?.token ?? 0)) this.#unasked[kind] = request;
  }

  #askLeader({ token, tick }: Request): boolean {
    const { nodeId, peers } = this.#options;
    const leader = this.#options.leader();
    if (leader === null || leader === nodeId) return false;
    return peers.send(leader, frameKind.readIndex, [encodeReadIndex({ token, tick })]);
  }

  #startHere(request: Request): boolean {
    if (request.tick) return this.#startTick(request);
    const leased = this.#leasedIndex();
    if (leased !== null) {
      this.#confirm(request, leased);
      return true;
    }
    const id = this.#options.driver.readIndex();
    if (id === null) return false;
    let round = this.#rounds.get(id);
    if (round === undefined) {
      round = { sharing: new Map(), askedMs: this.#options.lease?.monotonicMs() ?? 0 };
      this.#rounds.set(id, round);
    }
    this.#share(round.sharing, request);
    return true;
  }

  #startTick(request: Request): boolean {
    const { driver, nowMs } = this.#options;
    const [entry] = driver.propose([tickProposal(nowMs())]) ?? [];
    if (entry === undefined) return false;
    const sharing: Sharing = new Map();
    this.#share(sharing, request);
    this.#ticks.set(entry.index, { term: entry.term, sharing });
    return true;
  }

  #share(sharing: Sharing, request: Request): void {
    const { peer, token } = request;
    const before = sharing.get(peer);
    if (before === undefined && peer !== 0) this.#peerReads.set(peer, this.#readsOf(peer) + 1);
    if (before === undefined || before.token < token) sharing.set(peer, request);
  }

  #readsOf(peer: number): number {
    return this.#peerReads.get(peer) ?? 0;
  }

  /** The commit index while the lease holds: no other node can have been elected, so nothing newer is committed. */
  #leasedIndex(): number | null {
    const { lease, driver } = this.#options;
    const holds = lease != null && lease.monotonicMs() < this.#leaseUntilMs;
    return holds && driver.isLeader && !driver.core.hasHandedOver ? driver.core.commit : null;
  }

  #endRound(id: number): Round | undefined {
    const round = this.#rounds.get(id);
    this.#rounds.delete(id);
    if (round !== undefined) this.#ended(round.sharing);
    return round;
  }

  #ended(sharing: Sharing): void {
    for (const peer of sharing.keys()) {
      if (peer !== 0) this.#peerReads.set(peer, this.#readsOf(peer) - 1);
    }
  }

  #confirm({ peer, token }: Request, index: number): void {
    const { peers, nowMs } = this.#options;
    const clockMs = nowMs();
    if (peer === 0) this.#answered(token, index, clockMs);
    else {
      const reply = encodeReadIndexReply({ token, index, clockMs });
      peers.send(peer as NodeId, frameKind.readIndexReply, [reply]);
    }
  }

  #answered(token: number, index: number, clockMs: number): void {
    const answered = this.#open.get(token);
    if (answered === undefined) return;
    for (const [each, { tick }] of this.#open) {
      if (each > token) break;
      if (tick !== answered.tick) continue;
      this.#open.delete(each);
      this.#options.confirmed(each, index, clockMs);
    }
  }
}
