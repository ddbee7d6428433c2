// The core as one value: the rule of terms (§5.1), and what each role does with which message.

import { unreachable } from "../../assert.ts";
import type {
  MemberProgress,
  MembershipChange,
  RaftCore,
  RaftOptions,
  Ready,
  Save,
} from "./core.ts";
import {
  answerVote,
  hardStateSaved,
  mayAskForVotes,
  receiveVote,
  startElection,
  startPreVote,
} from "./election.ts";
import { receiveAppend, receiveHeartbeat, receiveSnapshot } from "./follower.ts";
import {
  advanceCommit,
  flushLeader,
  proposeChange,
  proposeData,
  receiveAppendReply,
  receiveHeartbeatReply,
  startTransfer,
  stayWithDisk,
  tickLeader,
} from "./leader.ts";
import { isMember } from "./membership.ts";
import { RaftState } from "./state.ts";
import {
  asIndex,
  type EntryId,
  type LogIndex,
  type Membership,
  type Message,
  type NodeId,
  type Role,
  type SnapshotPoint,
  type Term,
} from "./types.ts";

/** Far beyond every real term, and far enough from where numbers stop being exact. */
const termMax = 2 ** 48;

/** Same options, same calls, same outcome: nothing else reaches the core. */
export function createRaft(options: RaftOptions): RaftCore {
  return new Raft(options);
}

class Raft implements RaftCore {
  readonly #state: RaftState;

  constructor(options: RaftOptions) {
    this.#state = new RaftState(options);
  }

  get id(): NodeId {
    return this.#state.id;
  }
  get term(): Term {
    return this.#state.term;
  }
  get role(): Role {
    return this.#state.role;
  }
  get leader(): NodeId | null {
    return this.#state.leader;
  }
  get commit(): LogIndex {
    return this.#state.log.commit;
  }
  get last(): EntryId {
    return this.#state.log.last;
  }
  get membership(): Membership {
    return this.#state.log.history.membership;
  }
  get membershipPending(): boolean {
    return this.#state.log.history.index > this.#state.log.commit;
  }
  get installing(): SnapshotPoint | null {
    return this.#state.log.installing;
  }
  get uncommittedBytes(): number {
    return this.#state.leadership?.uncommitted.total ?? 0;
  }
  get hasHandedOver(): boolean {
    return this.#state.leadership?.hasHandedOver ?? false;
  }
  get isTransferring(): boolean {
    return (this.#state.leadership?.transfer ?? null) !== null;
  }
  get lostUpTo(): LogIndex | null {
    return this.#state.lostUpTo;
  }
  get isHasty(): boolean {
    const { leadership, leader, timer, options } = this.#state;
    return leadership === null && (leader === null || timer.elapsed > 2 * options.heartbeatTicks);
  }
  get wantsTurn(): boolean {
    return this.#state.leadership?.catchUp.isShort ?? false;
  }
  get savingTicks(): number {
    return Math.max(0, this.#state.savingTicks);
  }
  get dropped(): number {
    return this.#state.dropped;
  }

  tick(): void {
    const state = this.#state;
    if (state.lostUpTo !== null) return;
    state.quietTicks = Math.max(0, state.quietTicks - 1);
    if (state.outbox.isSaving) state.savingTicks += 1;
    if (state.leadership !== null) {
      tickLeader(state, state.leadership);
      return;
    }
    state.timer.tick();
    if (state.timer.isDue) startPreVote(state);
  }

  step(message: Message): void {
    const state = this.#state;
    if (state.lostUpTo !== null) return;
    if (message.to !== state.id || message.from === state.id || message.term > termMax) {
      state.drop();
      return;
    }
    if (!isHeard(state, message) || !followTerm(state, message)) return;
    switch (state.role) {
      case "leader":
        stepLeader(state, message);
        return;
      case "follower":
        stepFollower(state, message);
        return;
      case "preCandidate":
      case "candidate":
        stepCandidate(state, message);
        return;
    }
  }

  propose(data: readonly Uint8Array[]): readonly EntryId[] | null {
    const { leadership } = this.#state;
    return leadership === null ? null : proposeData(this.#state, leadership, data);
  }

  proposeMembership(change: MembershipChange): EntryId | string {
    return proposeChange(this.#state, change);
  }

  readIndex(): number | null {
    return this.#state.leadership === null ? null : this.#state.reads.join();
  }

  transfer(to: NodeId): string | null {
    return startTransfer(this.#state, to);
  }

  unreachable(peer: NodeId): void {
    const { leadership, log } = this.#state;
    leadership?.followers.get(peer)?.unreachable(log.last.index);
  }

  snapshotFailed(peer: NodeId): void {
    const { leadership, log } = this.#state;
    leadership?.followers.get(peer)?.snapshotFailed(log.last.index);
  }

  leaderGone(leader: NodeId): void {
    const state = this.#state;
    if (state.options.patient === true) return;
    if (state.role !== "follower" || state.leader !== leader) return;
    state.leader = null;
    state.timer.hurry();
  }

  campaign(): void {
    if (this.#state.lostUpTo === null) startPreVote(this.#state);
  }

  beginTurn(): void {
    this.#state.leadership?.catchUp.renew();
  }

  ready(standsStill = false): Ready | null {
    const state = this.#state;
    if (state.lostUpTo !== null) return null;
    if (state.leadership !== null) flushLeader(state, state.leadership);
    const committedBytesMax = standsStill ? 0 : state.options.appendBytesMax;
    const ready = state.outbox.take(state.log, state.hardState, committedBytesMax);
    if (ready !== null && ready.save !== null) state.saveBegins(ready.save);
    return ready;
  }

  saved(save: Save): void {
    const state = this.#state;
    state.outbox.finishSave(save);
    state.savingTicks = 0;
    if (state.leadership !== null) stayWithDisk(state.leadership);
    state.log.finishSave();
    hardStateSaved(state);
    advanceCommit(state);
  }

  progress(): readonly MemberProgress[] {
    const { leadership, log, id } = this.#state;
    if (leadership === null) return [];
    return log.history.membership.members.map((member): MemberProgress => {
      const follower = leadership.followers.get(member.id);
      if (member.id === id || follower === undefined)
        return { id: member.id, match: log.stable, active: true, state: "replicate" };
      const { match, active, state } = follower;
      return { id: member.id, match: asIndex(match), active, state };
    });
  }
}

/**
 * Requests for votes and answers are heard from members only. A leader is heard even if it is no member as far as
 * this node knows, because this node may be behind.
 */
function isHeard(state: RaftState, message: Message): boolean {
  switch (message.type) {
    case "requestVote":
      return mayAskForVotes(state, message);
    case "voteReply":
    case "appendReply":
    case "heartbeatReply":
      return isMember(state.log.history.membership, message.from);
    case "appendEntries":
    case "heartbeat":
    case "installSnapshot":
    case "timeoutNow":
      return true;
  }
}

/** §5.1: a newer term is entered, an older one is answered with ours. False when the message is dealt with. */
function followTerm(state: RaftState, message: Message): boolean {
  if (message.term === state.term) return true;
  if (message.term < state.term) {
    answerStale(state, message);
    return false;
  }
  if (message.type === "requestVote") {
    if (state.hearsLeader && !message.transfer) return false;
    if (message.pre) return true;
  }
  // A granted pre-vote only repeats the term that was asked for; a refused one tells the voter's own.
  if (message.type === "voteReply" && message.pre && message.granted) return true;
  state.becomeFollower(message.term, null); // The message itself says whether its sender leads.
  return true;
}

/**
 * Pre-vote and check-quorum can leave this node in a newer term than the leader that serves the others. It cannot win
 * an election while they hear that leader, so it tells the leader its newer term, which makes the leader step down.
 */
function answerStale(state: RaftState, message: Message): void {
  const { outbox, term, id } = state;
  const reply = { from: id, to: message.from, term } as const;
  const { type } = message;
  if (type === "appendEntries" || type === "heartbeat" || type === "installSnapshot") {
    // Not as a refusal: its sender may lead the newer term by now, and entries of the older one arrive late.
    outbox.send({ ...reply, type: "heartbeatReply", round: 0, patient: false });
  } else if (type === "requestVote") {
    outbox.send({ ...reply, type: "voteReply", pre: message.pre, granted: false });
  }
}

/** What a follower does with each message of its own term: the term rule of §5.1 has already run. */
function stepFollower(state: RaftState, message: Message): void {
  switch (message.type) {
    case "appendEntries":
      receiveAppend(state, message);
      return;
    case "heartbeat":
      receiveHeartbeat(state, message);
      return;
    case "installSnapshot":
      receiveSnapshot(state, message);
      return;
    case "requestVote":
      answerVote(state, message);
      return;
    case "timeoutNow":
      // Thesis 3.10: the leader itself wants to be deposed, so nobody is asked beforehand.
      if (state.leader === null || state.leader === message.from) startElection(state, true);
      else state.drop();
      return;
    case "voteReply":
    case "appendReply":
    case "heartbeatReply":
      return; // Late answers to a role this node has already left.
    default:
      unreachable(message);
  }
}

/** What a (pre-)candidate does with each message of its own term. */
function stepCandidate(state: RaftState, message: Message): void {
  switch (message.type) {
    case "voteReply":
      receiveVote(state, message);
      return;
    case "requestVote":
      answerVote(state, message);
      return;
    case "appendEntries":
      receiveAppend(state, message); // §5.2: somebody else has won.
      return;
    case "heartbeat":
      receiveHeartbeat(state, message);
      return;
    case "installSnapshot":
      receiveSnapshot(state, message);
      return;
    case "appendReply":
    case "heartbeatReply":
    case "timeoutNow":
      return; // For a role that this node has already left.
    default:
      unreachable(message);
  }
}

/** What a leader does with each message of its own term. */
function stepLeader(state: RaftState, message: Message): void {
  switch (message.type) {
    case "appendReply":
      receiveAppendReply(state, message);
      return;
    case "heartbeatReply":
      receiveHeartbeatReply(state, message);
      return;
    case "requestVote":
      answerVote(state, message);
      return;
    case "voteReply":
      return; // Votes beyond the majority.
    case "appendEntries":
    case "heartbeat":
    case "installSnapshot":
    case "timeoutNow":
      state.drop(); // §5.2: nobody else leads in this term.
      return;
    default:
      unreachable(message);
  }
}
