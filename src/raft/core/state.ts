// What every role shares: term, vote, log, timers, and the way back to being a follower (§5.1).

import { assert } from "../../assert.ts";
import type { RaftOptions } from "./core.ts";
import { ElectionTimer } from "./election-timer.ts";
import type { Leadership } from "./leadership.ts";
import { RaftLog } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { ReadRounds } from "./read-index.ts";
import type { HardState, LogIndex, NodeId, Role, Term } from "./types.ts";

export class RaftState {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly reads = new ReadRounds();
  /** Changes only together with the vote; a new object each time, for a save may hold the old one. */
  hardState: HardState;
  role: Role = "follower";
  leader: NodeId | null = null;
  /** Not null exactly while the role is "leader". */
  leadership: Leadership | null = null;
  /** Answers to this node's own (pre-)campaign. */
  votes = new Map<NodeId, boolean>();
  readonly timer: ElectionTimer;
  dropped = 0;
  /** See RaftCore. */
  lostUpTo: LogIndex | null = null;

  /** See RaftCore. */
  savingTicks = 0;
  /** See `promisePatience`. */
  quietTicks = 0;

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.options = options;
    this.log = new RaftLog(options.log, options.applied);
    this.hardState = options.hardState;
    assert(this.log.last.term <= this.term, "the saved term is at least that of the last entry");
    this.outbox = new Outbox(options.hardState);
    this.timer = new ElectionTimer(options.electionTicks, options.random);
    // Promises that were made before the start are not known any more, so this node keeps them for one election timeout.
    this.promisePatience();
  }

  get term(): Term {
    return this.hardState.term;
  }

  /**
   * A learner, a removed member and a node without a cluster never campaign. But while its removal
   * is not committed, a member may be the only one whose log can win (thesis 4.2.2, figure 4.6).
   */
  get mayCampaign(): boolean {
    return this.log.history.mayBeVoter(this.id) && !this.diskHangs;
  }

  /**
   * A node whose disk hangs cannot lead: its own vote would wait for the disk, and it would apply nothing that is
   * committed.
   */
  get diskHangs(): boolean {
    return this.savingTicks > 2 * this.options.electionTicks;
  }

  /** §6, thesis 4.2.3: while true, this node helps nobody to depose its leader. */
  get hearsLeader(): boolean {
    if (this.quietTicks > 0) return true;
    return this.leader !== null && this.timer.elapsed < this.options.electionTicks;
  }

  /** True: for an election timeout this node votes for nobody, whatever it hears. */
  promisePatience(): boolean {
    const patient = this.options.patient === true;
    if (patient) this.quietTicks = this.options.electionTicks;
    return patient;
  }

  becomeFollower(term: Term, leader: NodeId | null): void {
    if (this.leadership !== null) {
      this.outbox.loseReads(this.reads.giveUp());
      this.outbox.dropSnapshots();
    }
    if (term !== this.term) this.enterTerm(term, null);
    this.leadership = null;
    this.role = "follower";
    this.leader = leader;
    if (leader === null) this.timer.retry();
    else this.timer.reset();
  }

  enterTerm(term: Term, votedFor: NodeId | null): void {
    this.hardState = { term, votedFor };
    this.outbox.dropPromises();
  }

  voteFor(candidate: NodeId): void {
    this.hardState = { term: this.term, votedFor: candidate };
  }

  /** A message that only a faulty sender can have sent. */
  drop(): void {
    this.dropped += 1;
  }
}
