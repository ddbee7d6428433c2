// Campaigns, real and preliminary, and who gets this node's vote (§5.2, §5.4.1, thesis 9.6).

import { becomeLeader } from "./leader.ts";
import { countVotes } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import { asTerm, type EntryId, type MessageOf, type NodeId, type PeerMessage } from "./types.ts";

/** §5.4.1: a voter refuses a candidate whose log is older than its own. */
function isUpToDate(candidate: EntryId, own: EntryId): boolean {
  return candidate.term > own.term || (candidate.term === own.term && candidate.index >= own.index);
}

/**
 * A node without a cluster has no vote. A candidate that is not a member is not heard, unless its
 * log is ahead of ours: then it may have joined by an entry that has not reached us (thesis 4.1).
 */
export function mayAskForVotes(state: RaftState, message: MessageOf<"requestVote">): boolean {
  const { members } = state.log.history.membership;
  if (members.length === 0) return false;
  if (members.some(({ id }) => id === message.from)) return true;
  return !isUpToDate(state.log.last, message.last);
}

/** §5.2: first come, first served, one vote per term; a pre-vote binds nobody. */
export function answerVote(state: RaftState, message: MessageOf<"requestVote">): void {
  const { term, votedFor } = state.hardState;
  const free = votedFor === message.from || (votedFor === null && state.leader === null);
  const ahead = message.pre && message.term > term;
  const granted = (free || ahead) && isUpToDate(message.last, state.log.last);

  const reply = { type: "voteReply", pre: message.pre, from: state.id, to: message.from } as const;
  if (!granted) {
    state.outbox.send({ ...reply, term, granted: false });
  } else if (message.pre) {
    state.timer.gaveWay();
    state.outbox.send({ ...reply, term: message.term, granted: true });
  } else {
    // This node's own pre-vote ends: another node holds a real election.
    if (state.role !== "follower") state.becomeFollower(term, null);
    state.voteFor(message.from);
    state.timer.reset();
    state.outbox.sendWhenSaved({ ...reply, term, granted: true });
  }
}

/** Asks first whether an election could be won, so that a node that was cut off does not raise the others' term. */
export function startPreVote(state: RaftState): void {
  if (!state.mayCampaign || state.role === "leader") return;
  startCampaign(state, "preCandidate");
  askForVotes(state, { pre: true, transfer: false });
  recordVote(state, state.id, true);
}

/** §5.2: a candidate's own vote counts once it is on disk, and its requests for votes leave only then. */
export function startElection(state: RaftState, transfer: boolean): void {
  if (!state.mayCampaign || state.role === "leader") return;
  state.enterTerm(asTerm(state.term + 1), state.id);
  startCampaign(state, "candidate");
  askForVotes(state, { pre: false, transfer });
}

function startCampaign(state: RaftState, role: "preCandidate" | "candidate"): void {
  state.role = role;
  state.leader = null;
  state.votes = new Map();
  if (role === "candidate") state.timer.electionBegun();
  else state.timer.retry();
}

/** Term and vote are on disk: from now on a candidate's vote for itself counts. */
export function hardStateSaved(state: RaftState): void {
  if (state.role !== "candidate" || state.votes.has(state.id)) return;
  if (state.outbox.isSaved(state.hardState)) recordVote(state, state.id, true);
}

export function receiveVote(state: RaftState, message: MessageOf<"voteReply">): void {
  const preliminary = state.role === "preCandidate";
  if (message.pre !== preliminary) return;
  // A granted pre-vote carries the term that was asked for; another term means that it answers an earlier campaign.
  if (preliminary && message.granted && message.term !== state.term + 1) return;
  // Nobody was asked yet: requests for votes wait for the snapshot that is being installed.
  if (!preliminary && state.log.installing !== null) {
    state.drop();
    return;
  }
  recordVote(state, message.from, message.granted);
}

function recordVote(state: RaftState, voter: NodeId, granted: boolean): void {
  if (!state.votes.has(voter)) state.votes.set(voter, granted);
  switch (countVotes(state.log.history.voters, state.votes)) {
    case "won":
      if (state.role === "preCandidate") startElection(state, false);
      else becomeLeader(state);
      return;
    case "lost":
      state.becomeFollower(state.term, null);
      return;
    case "pending":
      return;
  }
}

function askForVotes(state: RaftState, kind: { pre: boolean; transfer: boolean }): void {
  const term = kind.pre ? asTerm(state.term + 1) : state.term;
  const { last, history } = state.log;
  for (const voter of history.voters) {
    if (voter === state.id) continue;
    const message: PeerMessage = {
      ...{ type: "requestVote", from: state.id, to: voter, term },
      ...{ pre: kind.pre, transfer: kind.transfer, last: { term: last.term, index: last.index } },
    };
    // If a crash lost the term or the entries that a request for votes names, a late grant could elect this node in the
    // same term with a shorter log than the voter has compared.
    if (kind.pre) state.outbox.send(message);
    else state.outbox.sendWhenSaved(message);
  }
}
