// How long a node waits before it campaigns: an election timeout (§5.2), or less when the leader is gone.

/**
 * The first round after a report that the leader is gone begins with one of the next three ticks.
 * With a tick and not at once: all nodes hear of a closed port in the same instant, but their ticks
 * are not in step.
 */
const goneDelayTicks = 3;
/** A pre-vote that was not won costs no term: it is repeated after [this, twice this) ticks. */
const preVoteRetryTicks = 2;
/**
 * An election that was not won costs a term and two disk writes: it is repeated after [this, twice this) ticks, each
 * time twice as many.
 */
const electionRetryTicks = 4;

export class ElectionTimer {
  readonly #electionTicks: number;
  readonly #random: () => number;
  /** Ticks since a leader was heard, a vote was given, a round was begun, or the quorum was checked. */
  #elapsed = 0;
  #timeout: number;
  /** For so many more ticks campaigns follow quickly on each other; 0: usual election timeouts. */
  #hasteTicks = 0;
  /** Elections that this node began while it was in haste. */
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

  /** Begins a new election timeout: somebody leads, or is about to. */
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

  /** A pre-vote began, was lost, or gave way to another node's: the next one follows after a while. */
  retry(): void {
    this.#begin(this.#hasteTicks > 0 ? this.#spread(preVoteRetryTicks) : this.#patience());
  }

  /** An election began. */
  electionBegun(): void {
    const hasty = this.#spread(electionRetryTicks * 2 ** this.#elections);
    this.#begin(this.#hasteTicks > 0 ? hasty : this.#patience());
    this.#elections += 1;
  }

  /** This node gave a pre-vote. In haste it lets the other candidate go first, because two would split the votes. */
  gaveWay(): void {
    if (this.#hasteTicks > 0) this.retry();
  }

  /** Nobody leads: campaigns begin soon and follow quickly, for one election timeout at most. */
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
