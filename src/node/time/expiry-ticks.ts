// Moves log time on when keys are due and no write comes along: the leader commits a tick.

import { expireTickMs } from "../../constants.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { tickProposal } from "../../state/execution/proposal.ts";

export interface ExpiryTicksPorts {
  readonly driver: Pick<RaftDriver, "isLeader" | "propose">;
  readonly machine: Pick<Machine, "nextDueAt" | "appliedIndex">;
  /** The log clock. */
  readonly now: () => number;
}

export class ExpiryTicks {
  readonly #ports: ExpiryTicksPorts;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isActive = true;
  #nextMs = 0;
  /** The entry of the last tick, until it is applied here; 0: there is none. */
  #ticked = 0;

  constructor(ports: ExpiryTicksPorts) {
    this.#ports = ports;
  }

  /** `monotonicMs`: now, by a clock that nobody sets. */
  tick(monotonicMs: number): void {
    if (monotonicMs < this.#nextMs) return;
    this.#nextMs = monotonicMs + expireTickMs;
    this.#tickIfDue();
  }

  /**
   * After each turn. An entry removes so many keys at most (`expirePerEntryMax`): when more are due, the next one follows as
   * soon as that one is applied, and clients have their turns in between.
   */
  goOn(): void {
    if (this.#ticked === 0 || this.#ports.machine.appliedIndex < this.#ticked) return;
    this.#ticked = 0;
    this.#tickIfDue();
  }

  #tickIfDue(): void {
    const { driver, machine, now } = this.#ports;
    if (!driver.isLeader || !this.isActive) return;
    const dueAtMs = machine.nextDueAt();
    const nowMs = now();
    if (dueAtMs === undefined || dueAtMs > nowMs) return;
    const [entry] = driver.propose([tickProposal(nowMs)]) ?? [];
    this.#ticked = entry?.index ?? 0;
  }
}
