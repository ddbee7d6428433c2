// Moves log time on when keys are due and no write comes along: the leader commits a tick.

import { expireTickMs } from "../../constants.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { tickProposal } from "../../state/execution/proposal.ts";

export interface ExpiryTicksPorts {
  readonly driver: Pick<RaftDriver, "isLeader" | "propose">;
  readonly machine: Pick<Machine, "nextDueAt">;
  /** The log clock. */
  readonly now: () => number;
}

export class ExpiryTicks {
  readonly #ports: ExpiryTicksPorts;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isActive = true;
  #nextMs = 0;

  constructor(ports: ExpiryTicksPorts) {
    this.#ports = ports;
  }

  /** `monotonicMs`: now, by a clock that nobody sets. */
  tick(monotonicMs: number): void {
    if (monotonicMs < this.#nextMs) return;
    this.#nextMs = monotonicMs + expireTickMs;
    const { driver, machine, now } = this.#ports;
    if (!driver.isLeader || !this.isActive) return;
    const dueAtMs = machine.nextDueAt();
    const nowMs = now();
    if (dueAtMs !== undefined && dueAtMs <= nowMs) driver.propose([tickProposal(nowMs)]);
  }
}
