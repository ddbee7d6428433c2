// What a member remembers only while it leads: its followers, its open bytes, a transfer.

import { catchUpBytesPerTurn } from "../../constants.ts";
import { Progress } from "./progress.ts";
import type { RaftOptions } from "./ready.ts";
import { asIndex, type LogIndex, type Membership, type NodeId } from "./types.ts";

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

/** What one turn may read from disk for followers that are far behind: reading stops everything else. */
class CatchUpBudget {
  readonly #bytes: number;
  left: number;
  /** Somebody waits for the next turn. */
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
  elapsedTicks: number;
  told: boolean;
}

export class Leadership {
  readonly followers = new Map<NodeId, Progress>();
  readonly uncommitted = new UncommittedBytes();
  readonly catchUp: CatchUpBudget;
  readonly #window: { readonly messages: number; readonly bytes: number };
  transfer: Transfer | null = null;
  /** A member was told to campaign; the message may be late, so this holds to the end. */
  hasHandedOver = false;
  /** Ticks before it tries again to leave a disk that hangs: meanwhile it takes proposals. */
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
