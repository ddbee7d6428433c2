// Looks after the members' clocks: warns of wrong ones, and lets no node with a wrong one lead while another can.

import { clockDriftMs, clockRightMs, clockWrongChecks } from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { CoreView } from "../../raft/core/core.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Clocks, MajorityTime } from "./clocks.ts";

export interface ClockGuardOptions {
  readonly driver: Pick<RaftDriver, "isLeader" | "transfer"> & {
    readonly core: Pick<CoreView, "id" | "membership" | "progress">;
  };
  readonly clocks: Clocks;
  /** What the next entry would be stamped with. */
  readonly logTimeMs: () => number;
  /** Whether anything besides its clock speaks against this member as leader; true: nothing does. */
  readonly mayLead: (member: NodeId) => boolean;
  readonly logger: Pick<Logger, "warn" | "info">;
}

export class ClockGuard {
  readonly #options: ClockGuardOptions;
  /** Members whose clocks are known to be wrong: each is told of once. */
  readonly #wrong = new Set<NodeId>();
  /** At how many checks in a row the clock of a member has looked wrong. */
  readonly #suspicions = new Map<NodeId, number>();
  #logTimeIsAhead = false;
  #isSplit = false;

  constructor(options: ClockGuardOptions) {
    this.#options = options;
  }

  /** Every `clockCheckMs`. */
  check(): void {
    const { driver, clocks } = this.#options;
    const { members } = driver.core.membership;
    const voters = members.filter(({ voter }) => voter).map(({ id }) => id);
    const says = clocks.majoritySays(voters);
    if (says === null) return;
    for (const { id } of members) this.#judge(id, says);
    for (const id of [...this.#wrong, ...this.#suspicions.keys()]) {
      if (members.some((member) => member.id === id)) continue;
      this.#wrong.delete(id);
      this.#suspicions.delete(id);
    }
    this.#lookForSplit(says);
    this.#lookAtLogTime(says);
    if (driver.isLeader && this.#wrong.has(driver.core.id)) this.#handOver(voters);
  }

  #judge(member: NodeId, { atLeast, atMost }: MajorityTime): void {
    const timeMs = this.#options.clocks.says(member);
    if (timeMs === null) return;
    const aheadMs = Math.max(0, timeMs - atMost) - Math.max(0, atLeast - timeMs);
    const isKnown = this.#wrong.has(member);
    const looksWrong = Math.abs(aheadMs) > clockDriftMs;
    const suspicions = looksWrong ? (this.#suspicions.get(member) ?? 0) + 1 : 0;
    this.#suspicions.set(member, suspicions);
    if (!isKnown && suspicions >= clockWrongChecks) {
      this.#wrong.add(member);
      this.#options.logger.warn(
        `the clock of ${this.#name(member)} is ${seconds(aheadMs)} ${aheadMs > 0 ? "ahead of" : "behind"} ` +
          "what most voters' clocks say: set it (NTP); it does not lead while another can",
      );
    } else if (isKnown && Math.abs(aheadMs) < clockRightMs && atMost - atLeast < clockDriftMs) {
      // Not while too few are heard to say so: between two that differ everything looks right.
      this.#wrong.delete(member);
      this.#options.logger.info(`the clock of ${this.#name(member)} is right again`);
    }
  }

  /** Log time never falls: stamped with a wrong time once, because most clocks were ahead, it can only go slower. */
  #lookAtLogTime({ atMost }: MajorityTime): void {
    const aheadMs = this.#options.logTimeMs() - atMost;
    if (!this.#logTimeIsAhead && aheadMs > clockDriftMs) {
      this.#logTimeIsAhead = true;
      this.#options.logger.warn(
        `log time is ${seconds(aheadMs)} ahead of the clocks, because they were ahead once: times to live count right, but keys ` +
          "that expire at a fixed time (EXPIREAT, EXAT) go early, until it has been drawn back by 3 minutes an hour",
      );
    } else if (this.#logTimeIsAhead && aheadMs < clockRightMs) {
      this.#logTimeIsAhead = false;
      this.#options.logger.info("log time agrees with the clocks again");
    }
  }

  /** Logs that the voters' clocks differ so much that no majority says which of them are right. */
  #lookForSplit({ atLeast, atMost }: MajorityTime): void {
    const apartMs = atMost - atLeast;
    if (!this.#isSplit && apartMs > clockDriftMs) {
      this.#isSplit = true;
      this.#options.logger.warn(
        `the voters' clocks are ${seconds(apartMs)} apart, and no majority says which are right: set them (NTP)`,
      );
    } else if (this.#isSplit && apartMs < clockRightMs) {
      this.#isSplit = false;
      this.#options.logger.info("most voters' clocks agree again");
    }
  }

  #handOver(voters: readonly NodeId[]): void {
    const { driver, clocks, mayLead } = this.#options;
    const fit = driver.core
      .progress()
      .filter(({ id, active }) => active && voters.includes(id) && mayLead(id))
      .filter(({ id }) => !this.#wrong.has(id) && clocks.says(id) !== null)
      .toSorted((a, b) => b.match - a.match);
    if (fit[0] !== undefined) driver.transfer(fit[0].id);
  }

  #name(member: NodeId): string {
    return member === this.#options.driver.core.id ? `this node (${member})` : `node ${member}`;
  }
}

const seconds = (ms: number): string => `${(Math.abs(ms) / 1000).toFixed(1)} s`;
