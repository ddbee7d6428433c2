// What the wall clocks of the members say, seen from this node's monotonic clock, which nobody sets.

import { clockFreshMs, clockJumpMs, clockWordsKept } from "../../constants.ts";
import { majority, reachedByMajority } from "../../raft/core/quorum.ts";
import type { NodeId } from "../../raft/core/types.ts";

/** A majority says that `atLeast` has passed, and a majority that no more than `atMost` has (Unix ms). */
export interface MajorityTime {
  readonly atLeast: number;
  readonly atMost: number;
}

export interface ClocksOptions {
  readonly self: NodeId;
  /** This node's wall clock, in Unix ms; it may jump. */
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}

/** The last words of one member: by how much its wall clock was ahead of our monotonic one. */
interface Heard {
  readonly offsets: number[];
  atMs: number;
}

export class Clocks {
  readonly #options: ClocksOptions;
  readonly #heard = new Map<NodeId, Heard>();
  #ownOffset: number;

  constructor(options: ClocksOptions) {
    this.#options = options;
    this.#ownOffset = options.wallMs() - options.monotonicMs();
  }

  /** A member has told what its wall clock said when it sent this. */
  told(member: NodeId, wallMs: number): void {
    const nowMs = this.#options.monotonicMs();
    const heard = this.#heard.get(member) ?? { offsets: [], atMs: nowMs };
    heard.offsets.push(wallMs - nowMs);
    if (heard.offsets.length > clockWordsKept) heard.offsets.shift();
    heard.atMs = nowMs;
    this.#heard.set(member, heard);
  }

  /** Members that have told nothing for long may be gone for good. */
  forgetSilent(): void {
    for (const [member, { atMs }] of this.#heard) {
      if (!this.#isFresh(atMs)) this.#heard.delete(member);
    }
  }

  /**
   * True once after this node's wall clock has jumped forward. It was set, or the machine was suspended and
   * the monotonic clock stood still: what the others have told before is then worth nothing.
   */
  noticeJump(): boolean {
    const { wallMs, monotonicMs } = this.#options;
    const offset = wallMs() - monotonicMs();
    const hasJumped = offset > this.#ownOffset + clockJumpMs;
    this.#ownOffset = offset;
    if (hasJumped) this.#heard.clear();
    return hasJumped;
  }

  /** What the wall clock of a member says now, as far as is known; null when nothing is. */
  says(member: NodeId): number | null {
    const { self, wallMs, monotonicMs } = this.#options;
    if (member === self) return wallMs();
    const heard = this.#heard.get(member);
    if (heard === undefined || !this.#isFresh(heard.atMs)) return null;
    // Delay makes a clock look late and never early, so the largest offset is the best.
    return Math.max(...heard.offsets) + monotonicMs();
  }

  /** How far the clock of a member is ahead of this node's. */
  offsetMs(member: NodeId): number | null {
    const { self, wallMs } = this.#options;
    if (member === self) return 0;
    const says = this.says(member);
    return says === null ? null : Math.round(says - wallMs());
  }

  /** Voters that were not heard support no statement. Null: no majority was heard. */
  majoritySays(voters: readonly NodeId[]): MajorityTime | null {
    const values = voters.map((voter) => this.says(voter));
    const heard = values.filter((value) => value !== null);
    if (heard.length < majority(voters.length)) return null;
    return {
      atLeast: reachedByMajority(values.map((value) => value ?? Number.NEGATIVE_INFINITY)),
      atMost: -reachedByMajority(values.map((value) => -(value ?? Number.POSITIVE_INFINITY))),
    };
  }

  #isFresh(atMs: number): boolean {
    return this.#options.monotonicMs() - atMs <= clockFreshMs;
  }
}
