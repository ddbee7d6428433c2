// What a leader does: commits, proposals, rounds of reads, and handing over (§5.2, §5.3, §6, thesis 3.10).

import { assert } from "../../assert.ts";
import { transferTimeoutsMax } from "../../constants.ts";
import type { MembershipChange } from "./core.ts";
import { Leadership } from "./leadership.ts";
import { changeMembership, encodeMembership, isMember } from "./membership.ts";
import { majority, reachedByMajority } from "./quorum.ts";
import { sendAppends, sendHeartbeats } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { asIndex, type Entry, type EntryId, type MessageOf, type NodeId } from "./types.ts";

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

export function receiveAppendReply(state: RaftState, message: MessageOf<"appendReply">): void {
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

export function receiveHeartbeatReply(
  state: RaftState,
  message: MessageOf<"heartbeatReply">,
): void {
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

/** Intervals are counted apart from heartbeats, because each round of reads sends heartbeats of its own. */
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

/** Only answers of voters of the configuration in force count, never those of removed members or learners. */
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
  // A learner must have the configuration in its log before it becomes a voter: without it, it would give no vote after a
  // restart.
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

/** May end the leadership: a leader that removed itself is done when that is committed (§6). */
export function advanceCommit(state: RaftState): void {
  const { leadership, log } = state;
  if (leadership === null) return;
  const reached = log.history.voters.map((id) =>
    // This node's own disk counts like any other, and not before its write is done (thesis 10.2.1).
    id === state.id ? log.stable : (leadership.followers.get(id)?.match ?? 0),
  );
  const index = asIndex(reachedByMajority(reached));
  // §5.4.2: copies of an older term's entry do not commit it; an entry of this term behind it does.
  if (index <= log.commit || log.term(index) !== state.term) return;
  log.commitTo(index);
  leadership.ownCommit = true;
  leadership.uncommitted.free(index);

  const { history } = log;
  if (isMember(history.membership, state.id) || history.index > log.commit) return;
  sendAppends(state, leadership);
  handOver(state, leadership);
  state.becomeFollower(state.term, null);
}

/** Null when it has begun, else why not. */
export function startTransfer(state: RaftState, to: NodeId, leavesDisk = false): string | null {
  const { leadership } = state;
  if (leadership === null) return "this node does not lead";
  if (to === state.id) return "this node leads already";
  if (!state.log.history.isVoter(to)) return "no such voter";
  if (leadership.transfer !== null) return "another transfer is under way";
  const match = leadership.followers.get(to)?.match ?? 0;
  leadership.transfer = { to, elapsedTicks: 0, allTicks: 0, match, told: false, leavesDisk };
  continueTransfer(state, leadership);
  return null;
}

/** Tells the heir to campaign as soon as it has every entry: earlier it could not win. */
function continueTransfer(state: RaftState, leadership: Leadership): void {
  const { transfer, followers } = leadership;
  if (transfer === null || transfer.told) return;
  if (followers.get(transfer.to)?.match !== state.log.last.index) return;
  transfer.told = true;
  tellToCampaign(state, transfer.to);
}

/** Given up when the member comes no nearer, and at last in any case: the leader must not refuse proposals for ever. */
function tickTransfer(state: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null) return;
  const match = leadership.followers.get(transfer.to)?.match ?? 0;
  const comesNearer = match > transfer.match && !transfer.told;
  transfer.match = match;
  transfer.elapsedTicks = comesNearer ? 0 : transfer.elapsedTicks + 1;
  transfer.allTicks += 1;
  const { electionTicks } = state.options;
  const isOver = transfer.allTicks >= transferTimeoutsMax * electionTicks;
  if (isOver || transfer.elapsedTicks >= electionTicks) leadership.transfer = null;
}

/** The save is done after all, so this leader can stay, unless the other member campaigns already. */
export function stayWithDisk(leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer?.leavesDisk === true && !transfer.told) leadership.transfer = null;
}

/**
 * This leader's disk hangs: it applies nothing that is committed any more, and its clients wait. The heir needs a
 * majority without this node, whose vote would hang as well; without such a majority no other node could lead either.
 * The member of that majority with the longest log has everything that is committed, and gets the rest while the
 * transfer waits.
 */
function leaveHungDisk(state: RaftState, leadership: Leadership): void {
  leadership.handOverPause -= 1;
  if (leadership.transfer !== null || leadership.handOverPause > 0) return;
  const { voters } = state.log.history;
  const living = voters.filter((id) => leadership.followers.get(id)?.active === true);
  if (living.length < majority(voters.length)) return;
  const matchOf = (id: NodeId): number => leadership.followers.get(id)?.match ?? 0;
  const heir = living.toSorted((a, b) => matchOf(b) - matchOf(a))[0];
  if (heir === undefined) return;
  leadership.handOverPause = 2 * state.options.electionTicks;
  startTransfer(state, heir, true);
}

/** A leader that was removed hands over to the first voter that has every entry, and steps down. */
function handOver(state: RaftState, leadership: Leadership): void {
  const { last, history } = state.log;
  const heir = history.voters.find((id) => leadership.followers.get(id)?.match === last.index);
  if (heir !== undefined) tellToCampaign(state, heir);
}

function tellToCampaign(state: RaftState, to: NodeId): void {
  if (state.leadership !== null) state.leadership.hasHandedOver = true;
  state.outbox.send({ type: "timeoutNow", from: state.id, to, term: state.term });
}
