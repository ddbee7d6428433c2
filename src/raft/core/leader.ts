// What a leader does with messages, ticks and requests of its own node (§5.2, §5.3, §8).

import { assert, unreachable } from "../../assert.ts";
import { advanceCommit } from "./commit.ts";
import { answerVote } from "./election.ts";
import { Leadership } from "./leadership.ts";
import { changeMembership, encodeMembership } from "./membership.ts";
import { majority, reachedByMajority } from "./quorum.ts";
import type { MembershipChange } from "./ready.ts";
import { sendAppends, sendHeartbeats } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { continueTransfer, leaveHungDisk, tickTransfer } from "./transfer.ts";
import { asIndex, type Entry, type EntryId, type Message, type MessageOf } from "./types.ts";

const nothing = new Uint8Array(0);

export function becomeLeader(state: RaftState): void {
  const { options, log } = state;
  assert(log.installing === null, "a vote that counts was saved after the snapshot");
  const leadership = new Leadership(options);
  leadership.follow(log.history.membership, state.id, log.last.index);
  state.role = "leader";
  state.leader = state.id;
  state.leadership = leadership;
  state.timer.reset();
  // §8: commits what older leaders left behind, and opens the gate for reads and changes.
  appendOwn(state, leadership, [{ ...nextId(state), kind: "noop", data: nothing }]);
}

/** What a leader does with each message of its own term (the term rule of §5.1 has already run). */
export function stepLeader(state: RaftState, message: Message): void {
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

function receiveAppendReply(state: RaftState, message: MessageOf<"appendReply">): void {
  const { leadership, log } = state;
  const follower = leadership?.followers.get(message.from);
  if (!leadership || follower === undefined) return;
  follower.active = true;
  const { index, hint } = message;
  if (hint !== null) {
    follower.refused(index, log.skipTermsAbove(hint.index, hint.term));
    return;
  }
  if (index > log.last.index) {
    state.drop();
    return;
  }
  if (!follower.accepted(index, log.reachesBackTo(index))) return;
  continueTransfer(state, leadership);
  advanceCommit(state);
}

function receiveHeartbeatReply(state: RaftState, message: MessageOf<"heartbeatReply">): void {
  const follower = state.leadership?.followers.get(message.from);
  if (follower === undefined) return;
  if (message.round > state.reads.begun) {
    state.drop();
    return;
  }
  follower.active = true;
  follower.round = Math.max(follower.round, message.round);
  if (message.patient) follower.patientRound = Math.max(follower.patientRound, message.round);
  follower.heartbeatAnswered();
}

export function tickLeader(state: RaftState, leadership: Leadership): void {
  tickTransfer(state, leadership);
  if (state.diskHangs) leaveHungDisk(state, leadership);
  leadership.heartbeatElapsed += 1;
  if (leadership.heartbeatElapsed >= state.options.heartbeatTicks) leadership.heartbeatDue = true;
  tickIntervals(state, leadership);
  state.timer.tick();
  if (state.timer.elapsed < state.options.electionTicks) return;
  state.timer.heard();
  if (!hearsQuorum(state, leadership)) state.becomeFollower(state.term, null);
  for (const follower of leadership.followers.values()) follower.active = false;
}

/** Counted apart from heartbeats, of which each round of reads sends some. */
function tickIntervals(state: RaftState, leadership: Leadership): void {
  leadership.intervalElapsed += 1;
  if (leadership.intervalElapsed < state.options.heartbeatTicks) return;
  leadership.intervalElapsed = 0;
  for (const follower of leadership.followers.values()) follower.intervalOver();
}

/** Thesis 6.2: a leader that is cut off from a majority steps down instead of misleading clients. */
function hearsQuorum(state: RaftState, leadership: Leadership): boolean {
  const { voters } = state.log.history;
  const heard = voters.filter(
    (id) => id === state.id || leadership.followers.get(id)?.active === true,
  );
  return heard.length >= majority(voters.length);
}

/** Sends what became due since the last time: rounds of reads, heartbeats, entries, commit indexes. */
export function flushLeader(state: RaftState, leadership: Leadership): void {
  const { reads, log } = state;
  if (reads.hasOpen) confirmReads(state, leadership);
  // One round at a time: what arrives meanwhile shares the next one, so load makes rounds larger.
  if (reads.hasWaiting && !reads.hasOpen && leadership.ownCommit) {
    reads.begin(log.commit);
    leadership.heartbeatDue = true;
    confirmReads(state, leadership); // A cluster of one needs nobody else.
  }
  if (leadership.heartbeatDue) sendHeartbeats(state, leadership);
  sendAppends(state, leadership);
}

/** Answers count by the configuration in force: those of removed members and learners never do. */
function confirmReads(state: RaftState, leadership: Leadership): void {
  const { reads, log, outbox } = state;
  const reached = (of: "round" | "patientRound") =>
    reachedByMajority(
      log.history.voters.map((id) =>
        id === state.id ? reads.begun : (leadership.followers.get(id)?.[of] ?? 0),
      ),
    );
  const patientRound = state.options.patient === true ? reached("patientRound") : 0;
  const confirmed = reads.confirm(reached("round"));
  outbox.confirmReads(confirmed.map((read) => ({ ...read, patient: read.id <= patientRound })));
}

/** The ids of the new entries; null when this leader is leaving. */
export function proposeData(
  state: RaftState,
  leadership: Leadership,
  data: readonly Uint8Array[],
): readonly EntryId[] | null {
  if (leadership.transfer !== null || !isOwnMember(state)) return null;
  const { term } = state;
  const first = state.log.last.index + 1;
  const entries = data.map((bytes, at): Entry => {
    return { term, index: asIndex(first + at), kind: "data", data: bytes };
  });
  appendOwn(state, leadership, entries);
  return entries;
}

/**
 * Thesis 4.1 with its later correction: one change at a time, and none before an entry of the own
 * term is committed; else two leaders could change the same configuration in different ways.
 */
export function proposeChange(state: RaftState, change: MembershipChange): EntryId | string {
  const { leadership, log } = state;
  if (leadership === null) return "this node does not lead";
  if (leadership.transfer !== null) return "leadership is being transferred";
  if (!leadership.ownCommit) return "the new leader has not committed an entry yet";
  if (log.history.index > log.commit) return "another change is under way";
  const changed = changeMembership(log.history.membership, change);
  if (typeof changed === "string") return changed;
  // It must know the cluster before its vote is needed, or after a restart there may be none to give.
  if (change.type === "promote") {
    const learner = leadership.followers.get(change.id);
    if (learner?.state !== "replicate" || learner.match < log.history.index)
      return "the learner has not caught up yet";
  }
  const entry: Entry = { ...nextId(state), kind: "membership", data: encodeMembership(changed) };
  appendOwn(state, leadership, [entry]);
  leadership.follow(log.history.membership, state.id, log.last.index);
  return entry;
}

function isOwnMember(state: RaftState): boolean {
  return state.log.history.membership.members.some(({ id }) => id === state.id);
}

function nextId(state: RaftState): EntryId {
  return { term: state.term, index: asIndex(state.log.last.index + 1) };
}

function appendOwn(state: RaftState, leadership: Leadership, entries: readonly Entry[]): void {
  state.log.append(entries);
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  leadership.uncommitted.add(state.log.last.index, bytes);
}
