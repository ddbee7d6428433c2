// Confirms that a read may run: a ReadIndex round at the leader, here or through a peer.

import type { LogIndex } from "../../raft/core/types.ts";
import { LifeNumbers } from "../life-numbers.ts";

/** What the barrier needs of consensus; implemented by the replica. */
export interface BarrierPorts {
  /** Starts or joins a round; null when this node does not lead. */
  readIndex(): number | null;
  /** Commits a tick: the index of its entry and its term, or null when this node does not lead. */
  proposeTick(): { readonly index: number; readonly term: number } | null;
  /** Asks the leader over the network; false when that is not possible now. */
  askLeader(token: number, tick: boolean): boolean;
  /** Answers a node that asked. */
  answerPeer(peer: number, token: number, index: number): void;
  nowMs(): number;
  /** Everything that is committed here; null when this node does not lead, or is handing over. */
  leadsUpTo(): number | null;
  /** Asks for a `flush` at the end of this turn. */
  wake(): void;
}

/** Requests that share a round of the core, and when the first of them asked for it. */
interface Round {
  readonly requests: Request[];
  readonly askedMs: number;
}

/** Opt-in: reads that trust the clock instead of asking a majority each time (thesis 6.4.1). */
export interface Lease {
  /** How long a confirmed round speaks for the reads after it. */
  readonly ms: number;
  /** Of a clock that nobody sets. */
  monotonicMs(): number;
}

export interface BarrierOwner {
  /** Reads of the round may run once the state is applied up to `index`. */
  confirmed(token: number, index: number, clockMs: number): void;
}

interface Request {
  /** 0: this node's own. */
  readonly peer: number;
  readonly token: number;
  readonly tick: boolean;
}

/**
 * Rounds that wait for a confirmation. Own requests survive a change of leader (they are asked
 * again); those of peers are dropped with leadership, because the peer asks the new leader itself.
 */
export class ReadBarrier {
  readonly #ports: BarrierPorts;
  readonly #owner: BarrierOwner;
  readonly #lease: Lease | null;
  #leaseUntilMs = 0;
  /** The leader keeps what a peer asked, so a token must not come again in that peer's next life. */
  readonly #tokens: LifeNumbers;
  /** As of the last `askStale`. */
  #oldestOpen = 0;
  /** Own requests without an answer, by token. */
  readonly #open = new Map<number, Request>();
  /** Own requests that nobody could be asked for yet. */
  #unasked: Request[] = [];
  /** Requests of either kind that a round of the core will confirm, by the round's id: they share it. */
  readonly #rounds = new Map<number, Round>();
  readonly #ticks = new Map<number, { readonly term: number; readonly requests: Request[] }>();

  /** `incarnation`: of this life of the node. */
  constructor(
    incarnation: number,
    ports: BarrierPorts,
    owner: BarrierOwner,
    lease: Lease | null = null,
  ) {
    this.#tokens = new LifeNumbers(incarnation);
    this.#ports = ports;
    this.#owner = owner;
    this.#lease = lease;
  }

  /** Returns the token that `confirmed` will name. With `tick`, log time has passed the leader's clock. */
  request(tick: boolean): number {
    const request = { peer: 0, token: this.#tokens.next(), tick };
    this.#open.set(request.token, request);
    this.#unasked.push(request);
    this.#ports.wake();
    return request.token;
  }

  /** A token that nobody waits for any more. */
  forget(token: number): void {
    this.#open.delete(token);
  }

  /** Asks for whatever is not asked yet. */
  flush(): void {
    if (this.#unasked.length === 0) return;
    const requests = this.#unasked;
    this.#unasked = [];
    for (const request of requests) {
      if (!this.#open.has(request.token)) continue;
      if (this.#startHere(request)) continue;
      if (!this.#ports.askLeader(request.token, request.tick)) this.#unasked.push(request);
    }
  }

  /** A follower asks. Without leadership here it gets no answer, and asks the next leader. */
  askedByPeer(peer: number, token: number, tick: boolean): void {
    this.#startHere({ peer, token, tick });
  }

  /** The connection to a node is gone, and perhaps its process: in its next life it asks anew. */
  forgetPeer(peer: number): void {
    for (const { requests } of [...this.#rounds.values(), ...this.#ticks.values()]) {
      for (let at = requests.length - 1; at >= 0; at--) {
        if (requests[at]?.peer === peer) requests.splice(at, 1);
      }
    }
  }

  answeredByLeader(token: number, index: number, clockMs: number): void {
    if (this.#open.delete(token)) this.#owner.confirmed(token, index, clockMs);
  }

  /** `patient`: nobody else can be elected for an election timeout after the round was asked for. */
  roundConfirmed(round: number, index: LogIndex, patient: boolean): void {
    const confirmed = this.#takeRound(round);
    if (confirmed === undefined) return;
    // Counted from when it was asked for: a majority has heard of this leader no earlier than that.
    const leaseMs = patient ? (this.#lease?.ms ?? 0) : 0;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, confirmed.askedMs + leaseMs);
    for (const request of confirmed.requests) this.#confirm(request, index);
  }

  roundLost(round: number): void {
    for (const request of this.#takeRound(round)?.requests ?? []) this.#again(request);
  }

  /** An entry was applied: a tick that was waited for, perhaps. Another term's entry is not ours. */
  applied(index: number, term: number): void {
    if (this.#ticks.size === 0) return;
    const tick = this.#ticks.get(index);
    if (tick === undefined) return;
    this.#ticks.delete(index);
    for (const request of tick.requests) {
      if (tick.term === term) this.#confirm(request, index);
      else this.#again(request);
    }
  }

  /** The leader, its term or the connection to it changed: whatever is open is asked again. */
  askAgain(): void {
    this.#leaseUntilMs = 0;
    this.#rounds.clear();
    this.#ticks.clear();
    this.#unasked = [...this.#open.values()];
  }

  /** Now and then: an answer may have been dropped on its way, so what is open for long is asked again. */
  askStale(): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && oldest === this.#oldestOpen) this.askAgain();
    this.#oldestOpen = oldest ?? 0;
  }

  #startHere(request: Request): boolean {
    if (request.tick) {
      const entry = this.#ports.proposeTick();
      if (entry === null) return false;
      const waiting = this.#ticks.get(entry.index);
      if (waiting?.term === entry.term) waiting.requests.push(request);
      else this.#ticks.set(entry.index, { term: entry.term, requests: [request] });
      return true;
    }
    const leased = this.#leasedIndex();
    if (leased !== null) {
      this.#confirm(request, leased);
      return true;
    }
    const round = this.#ports.readIndex();
    if (round === null) return false;
    const sharing = this.#rounds.get(round);
    if (sharing !== undefined) sharing.requests.push(request);
    else this.#rounds.set(round, { requests: [request], askedMs: this.#lease?.monotonicMs() ?? 0 });
    return true;
  }

  /** No other node can have been elected yet, so what is committed here is all there is. */
  #leasedIndex(): number | null {
    const lease = this.#lease;
    const holds = lease !== null && lease.monotonicMs() < this.#leaseUntilMs;
    return holds ? this.#ports.leadsUpTo() : null;
  }

  #takeRound(round: number): Round | undefined {
    const taken = this.#rounds.get(round);
    this.#rounds.delete(round);
    return taken;
  }

  #confirm(request: Request, index: number): void {
    if (request.peer !== 0) this.#ports.answerPeer(request.peer, request.token, index);
    else this.answeredByLeader(request.token, index, this.#ports.nowMs());
  }

  #again(request: Request): void {
    if (request.peer === 0 && this.#open.has(request.token)) this.#unasked.push(request);
  }
}
