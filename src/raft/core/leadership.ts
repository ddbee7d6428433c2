// What a leader knows of its followers and keeps only while it leads: progress, uncommitted bytes, a transfer.

import { catchUpBytesPerTurn } from "../../constants.ts";
import type { ProgressState, RaftOptions } from "./core.ts";
import { asIndex, type LogIndex, type Membership, type NodeId } from "./types.ts";

/** AppendEntries messages that are not answered yet, bounded in number and in bytes. */
class InflightWindow {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #lastIndexes: number[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get full(): boolean {
    return this.#lastIndexes.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(lastIndex: LogIndex, bytes: number): void {
    this.#lastIndexes.push(lastIndex);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** An answer for `index` answers every earlier message too. */
  freeTo(index: LogIndex): void {
    while ((this.#lastIndexes[0] ?? Number.POSITIVE_INFINITY) <= index) {
      this.#lastIndexes.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
  }

  clear(): void {
    this.#lastIndexes.length = 0;
    this.#sizes.length = 0;
    this.#bytes = 0;
  }
}

/**
 * "probe" sends one message and waits, until it is known where the logs agree; "replicate" sends
 * ahead within the window; "snapshot" needs entries that the leader's log no longer has.
 */
export class Progress {
  #state: ProgressState = "probe";
  #match: LogIndex = asIndex(0);
  #next: LogIndex;
  /** Probe: the one message was sent and is not answered yet. */
  #probing = false;
  /** Probe: the connection was lost. Nothing is sent until the member answers a heartbeat. */
  #unreachable = false;
  /** An empty append is due that asks what has arrived. It travels behind the entries that may be lost. */
  #nudged = false;
  /** One such question is allowed, because the last interval brought no acknowledgement. */
  #mayAsk = false;
  /** Something new was acknowledged in this interval. */
  #moved = false;
  /** The highest commit index told by an append. */
  #commitTold = 0;
  readonly #window: InflightWindow;
  /** Heard from since the last check of the quorum. */
  active = false;
  /** The highest ReadIndex round it has answered. */
  round = 0;
  /** The highest one that it answered with a promise of patience. */
  patientRound = 0;

  constructor(next: LogIndex, inflight: { readonly messages: number; readonly bytes: number }) {
    this.#next = next;
    this.#window = new InflightWindow(inflight.messages, inflight.bytes);
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** The follower has the leader's entries on disk up to here. */
  get match(): LogIndex {
    return this.#match;
  }

  /** The first entry of the next message. */
  get next(): LogIndex {
    return this.#next;
  }

  get mayCarryEntries(): boolean {
    return this.#state === "probe"
      ? !this.#probing
      : this.#state === "replicate" && !this.#window.full;
  }

  /** Whether an append without entries has to ask for an answer. */
  get asks(): boolean {
    return this.#state === "probe" || this.#nudged;
  }

  /** Whether an append is due even without entries. */
  mustTell(commit: LogIndex): boolean {
    if (this.#nudged) return true;
    if (this.#state === "probe") return !this.#probing;
    return this.#state === "replicate" && this.#commitTold < Math.min(commit, this.#next - 1);
  }

  /** An append with `count` entries after next - 1 has been sent. */
  sent(count: number, bytes: number, commit: LogIndex): void {
    const last = this.#next + count - 1;
    this.#nudged = false;
    this.#commitTold = Math.max(this.#commitTold, Math.min(commit, last));
    if (this.#state === "probe") {
      this.#probing = true;
      return;
    }
    if (count === 0) return;
    this.#next = asIndex(last + 1);
    this.#window.add(asIndex(last), bytes);
  }

  /**
   * The follower has everything up to `index` on disk. True when that is news. `canFollow`: the leader's log holds
   * all that comes after; without that a follower that waits for a snapshot goes on waiting.
   */
  accepted(index: LogIndex, canFollow: boolean): boolean {
    const news = index > this.#match;
    if (news) this.#match = index;
    if (news) this.#moved = true;
    if (this.#state === "replicate") {
      this.#window.freeTo(index);
      this.#next = asIndex(Math.max(this.#next, index + 1));
    } else if (
      index >= this.#match &&
      (this.#state === "probe" ? this.#endsProbe(index) : canFollow)
    ) {
      this.#state = "replicate";
      this.#nudged = false;
      this.#next = asIndex(this.#match + 1);
    }
    return news;
  }

  /**
   * Only an answer to the probe itself ends it. After an older acknowledgement the probe may still be refused, and by
   * then more entries would be on their way.
   */
  #endsProbe(index: LogIndex): boolean {
    return index >= this.#next - 1;
  }

  /** The follower refused entries behind `index`; the logs may agree at `retry`. Late refusals change nothing. */
  refused(index: LogIndex, retry: LogIndex): void {
    if (this.#state === "replicate") {
      if (index > this.#match) this.#probe(this.#match + 1);
      return;
    }
    if (this.#state === "snapshot" || index !== this.#next - 1) return;
    this.#probe(Math.max(this.#match + 1, Math.min(index, retry + 1)));
  }

  /**
   * The follower answers heartbeats but has acknowledged nothing for an interval. What was sent may be lost, or may
   * still be on its way, because heartbeats overtake entries. So nothing is sent again yet: an empty append asks, and
   * it arrives behind everything that is still on its way.
   */
  heartbeatAnswered(): void {
    if (this.#unreachable) {
      this.#unreachable = false;
      this.#probing = false;
    } else if (this.#mayAsk && this.#isWaiting) {
      this.#nudged = true;
    }
    this.#mayAsk = false;
  }

  /** A heartbeat interval is over. Heartbeats of read rounds come more often and are not counted here. */
  intervalOver(): void {
    this.#mayAsk = !this.#moved && this.#isWaiting;
    this.#moved = false;
  }

  get #isWaiting(): boolean {
    if (this.#state === "probe") return this.#probing;
    return this.#state === "replicate" && this.#match < this.#next - 1;
  }

  /** The connection is lost, and with it what was on its way. Sending begins anew when the next heartbeat is answered. */
  unreachable(last: LogIndex): void {
    if (this.#state === "snapshot") this.snapshotFailed(last);
    if (this.#state !== "replicate") return;
    this.#probe(this.#match + 1);
    this.#awaitHeartbeat();
  }

  awaitSnapshot(): void {
    this.#state = "snapshot";
    this.#nudged = false;
    this.#commitTold = 0;
    this.#window.clear();
  }

  /**
   * Probes the member at the leader's last entry. It may have got the snapshot all the same, and only its refusal
   * tells how far its log reaches now. From where its log ended before, the leader can send nothing.
   */
  snapshotFailed(last: LogIndex): void {
    if (this.#state !== "snapshot") return;
    this.#probe(last + 1);
    this.#awaitHeartbeat();
  }

  #awaitHeartbeat(): void {
    this.#probing = true;
    this.#unreachable = true;
  }

  #probe(next: number): void {
    this.#state = "probe";
    this.#next = asIndex(next);
    this.#probing = false;
    this.#unreachable = false;
    this.#nudged = false;
    this.#mayAsk = false;
    this.#commitTold = 0;
    this.#window.clear();
  }
}

/** Bytes appended and not yet committed, counted by batches: a batch is freed as a whole. */
class UncommittedBytes {
  readonly #batches: { readonly last: LogIndex; readonly bytes: number }[] = [];
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(last: LogIndex, bytes: number): void {
    this.#batches.push({ last, bytes });
    this.#total += bytes;
  }

  free(commit: LogIndex): void {
    for (let first = this.#batches[0]; first !== undefined; first = this.#batches[0]) {
      if (first.last > commit) return;
      this.#batches.shift();
      this.#total -= first.bytes;
    }
  }
}

/** How much one turn may read from disk for followers that are far behind, because a read blocks everything else. */
class CatchUpBudget {
  readonly #bytes: number;
  left: number;
  /** A follower waits for the next turn's budget. */
  isShort = false;
  /** Who was served last: the next turn begins with the one behind it. */
  served: NodeId | null = null;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.left = bytes;
  }

  renew(): void {
    this.left = this.#bytes;
    this.isShort = false;
  }
}

/** Thesis 3.10: while it is open, the leader takes no proposals. */
export interface Transfer {
  readonly to: NodeId;
  /** Since it began, or since the member's log last came nearer. */
  elapsedTicks: number;
  allTicks: number;
  /** How far the member's log was when it was looked at last. */
  match: number;
  told: boolean;
  /** Because this leader's disk hangs. */
  readonly leavesDisk: boolean;
}

export class Leadership {
  readonly followers = new Map<NodeId, Progress>();
  readonly uncommitted = new UncommittedBytes();
  readonly catchUp: CatchUpBudget;
  readonly #window: { readonly messages: number; readonly bytes: number };
  transfer: Transfer | null = null;
  /** A member was told to campaign. The message may arrive late, so this stays true as long as this node leads. */
  hasHandedOver = false;
  /** Ticks until this leader tries again to hand over because its disk hangs; meanwhile it takes proposals. */
  handOverPause = 0;
  heartbeatElapsed = 0;
  heartbeatDue = true;
  intervalElapsed = 0;
  /** True once an entry of this leader's own term is committed (§8, thesis 6.4). */
  ownCommit = false;

  constructor(options: RaftOptions) {
    this.catchUp = new CatchUpBudget(options.catchUpBytesPerTurn ?? catchUpBytesPerTurn);
    this.#window = { messages: options.inflightMessagesMax, bytes: options.inflightBytesMax };
  }

  /** Follows a new configuration: what a removed member says counts no more. */
  follow(membership: Membership, self: NodeId, last: LogIndex): void {
    const wanted = new Set(membership.members.map(({ id }) => id));
    for (const id of this.followers.keys()) if (!wanted.has(id)) this.followers.delete(id);
    for (const id of wanted) {
      if (id === self || this.followers.has(id)) continue;
      this.followers.set(id, new Progress(asIndex(last + 1), this.#window));
    }
    if (this.transfer !== null && !wanted.has(this.transfer.to)) this.transfer = null;
  }
}
