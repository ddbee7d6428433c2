// Linearizable reads without a log entry: rounds of heartbeats that prove leadership (thesis 6.4).

import { asIndex, type LogIndex } from "./types.ts";

export interface ConfirmedRead {
  readonly id: number;
  readonly index: LogIndex;
}

/**
 * A round's id is this node's own counter, never a caller's token, and is never used twice, so a
 * repeated or late answer can only confirm a round that was begun before it was sent.
 */
export class ReadRounds {
  /** The id of the round that calls join until it begins; null when nobody waits. */
  #waiting: number | null = null;
  #lastId = 0;
  #begun = 0;
  #open: ConfirmedRead[] = [];

  /** The newest round that heartbeats ask about. */
  get begun(): number {
    return this.#begun;
  }

  get hasOpen(): boolean {
    return this.#open.length > 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting !== null;
  }

  /** All that join before the next `begin` share one round and its id. */
  join(): number {
    if (this.#waiting === null) {
      this.#lastId += 1;
      this.#waiting = this.#lastId;
    }
    return this.#waiting;
  }

  /** `commit` is what the leader knows as committed now, so at least what it knew at every `join`. */
  begin(commit: LogIndex): void {
    if (this.#waiting === null) return;
    this.#begun = this.#waiting;
    this.#open.push({ id: this.#waiting, index: asIndex(commit) });
    this.#waiting = null;
  }

  /** A majority answered `round` or a later one: every round up to it is confirmed. */
  confirm(round: number): readonly ConfirmedRead[] {
    const confirmed = this.#open.filter(({ id }) => id <= round);
    if (confirmed.length > 0) this.#open = this.#open.filter(({ id }) => id > round);
    return confirmed;
  }

  /** Leadership is lost: nothing that waits will ever be confirmed. */
  giveUp(): readonly number[] {
    const lost = this.#open.map(({ id }) => id);
    if (this.#waiting !== null) lost.push(this.#waiting);
    this.#open = [];
    this.#waiting = null;
    return lost;
  }
}
