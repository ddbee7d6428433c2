// How long a node waits before it campaigns: an election timeout (§5.2), or less when the leader is gone.

/**
 * The first round after a report that the leader is gone begins with one of the next three ticks.
 * With a tick and not at once: all nodes hear of a closed port in the same instant, but their ticks
 * are not in step.
 */
const goneDelayTicks = 3;
/** A preliminary round that was not won is repeated after [this, twice this) ticks: it costs no term. */
const preVoteRetryTicks = 2;
/** A real one costs a term and needs two disks: [this, twice this) ticks, and each time twice as long. */
const electionRetryTicks = 4;

export class ElectionTimer {
  readonly #electionTicks: number;
  readonly #random: () => number;
  /** Ticks since a leader was heard, a vote was given, a round was begun, or the quorum was checked. */
  #elapsed = 0;
  #timeout: number;
  /** For so many more ticks rounds follow quickly on each other; 0: the usual patience. */
  #hasteTicks = 0;
  /** Real elections of this node in its haste. */
  #elections = 0;

  constructor(electionTicks: number, random: () => number) {
    this.#electionTicks = electionTicks;
    this.#random = random;
    this.#timeout = this.#patience();
  }

  get elapsed(): number {
    return this.#elapsed;
  }

  get isDue(): boolean {
    return this.#elapsed >= this.#timeout;
  }

  tick(): void {
    this.#elapsed += 1;
    if (this.#hasteTicks === 0) return;
    this.#hasteTicks -= 1;
    if (this.#hasteTicks === 0) this.reset();
  }

  /** Counts anew with another timeout: somebody leads, or is about to. */
  reset(): void {
    this.#hasteTicks = 0;
    this.#elections = 0;
    this.#begin(this.#patience());
  }

  /** A leader was heard: counts anew. */
  heard(): void {
    if (this.#hasteTicks > 0) this.reset();
    this.#elapsed = 0;
  }

  /** A preliminary round began, was lost, or gives way to another one: the next is tried after a while. */
  retry(): void {
    this.#begin(this.#hasteTicks > 0 ? this.#spread(preVoteRetryTicks) : this.#patience());
  }

  /** An election began. */
  electionBegun(): void {
    const hasty = this.#spread(electionRetryTicks * 2 ** this.#elections);
    this.#begin(this.#hasteTicks > 0 ? hasty : this.#patience());
    this.#elections += 1;
  }

  /** A preliminary vote was given: in haste the other one goes first, else two would split the votes. */
  gaveWay(): void {
    if (this.#hasteTicks > 0) this.retry();
  }

  /** Nobody leads: rounds begin soon and follow quickly, for one election timeout at most. */
  hurry(): void {
    this.#hasteTicks = this.#electionTicks;
    this.#elections = 0;
    this.#begin(1 + Math.floor(this.#random() * goneDelayTicks));
  }

  #begin(timeout: number): void {
    this.#elapsed = 0;
    this.#timeout = timeout;
  }

  /** §5.2: spread over one whole election timeout, so that split votes are rare and do not repeat. */
  #patience(): number {
    return this.#spread(this.#electionTicks);
  }

  #spread(ticks: number): number {
    return ticks + Math.floor(this.#random() * ticks);
  }
}
