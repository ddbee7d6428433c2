// What every role shares: term, vote, log, timers, and the way back to being a follower (§5.1).

import { assert } from "../../assert.ts";
import { slowDiskBytesPerTick } from "../../constants.ts";
import type { RaftOptions, Save } from "./core.ts";
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
  /** How late the save in flight is, in ticks; negative while a slow disk may still be busy with its bytes. */
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
   * What a slow disk needs for so many bytes is no sign that it hangs. A snapshot takes the place of the state in a save
   * of its own kind, which may wait for a checkpoint.
   */
  saveBegins({ entries, snapshot }: Save): void {
    let bytes = 0;
    for (const entry of entries) bytes += entry.data.length;
    this.savingTicks =
      snapshot === null ? -Math.floor(bytes / slowDiskBytesPerTick) : Number.NEGATIVE_INFINITY;
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
