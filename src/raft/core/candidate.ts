// Campaigns, real and preliminary, and what a candidate does with each message (§5.2, thesis 9.6).

import { unreachable } from "../../assert.ts";
import { receiveAppend, receiveHeartbeat } from "./append.ts";
import { answerVote } from "./election.ts";
import { becomeLeader } from "./leader.ts";
import { countVotes } from "./quorum.ts";
import { receiveSnapshot } from "./snapshot.ts";
import type { RaftState } from "./state.ts";
import { asTerm, type Message, type MessageOf, type NodeId, type PeerMessage } from "./types.ts";

/** Asks first whether an election could be won, so that a cut-off node disturbs no term. */
export function startPreVote(state: RaftState): void {
  if (!state.mayCampaign || state.role === "leader") return;
  startCampaign(state, "preCandidate");
  askForVotes(state, { pre: true, transfer: false });
  recordVote(state, state.id, true);
}

/** §5.2: its own vote counts when it is on disk, and nobody is asked before. */
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

/** The disk has this node's term and vote: in an election they are its own vote. */
export function hardStateSaved(state: RaftState): void {
  if (state.role !== "candidate" || state.votes.has(state.id)) return;
  if (state.outbox.isSaved(state.hardState)) recordVote(state, state.id, true);
}

/** What a (pre-)candidate does with each message of its own term. */
export function stepCandidate(state: RaftState, message: Message): void {
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

function receiveVote(state: RaftState, message: MessageOf<"voteReply">): void {
  const preliminary = state.role === "preCandidate";
  if (message.pre !== preliminary) return;
  // A granted pre-vote carries the term that was asked for, a late one maybe another.
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
    // Were the term or the log behind a real request lost in a crash, a late grant could elect a
    // candidate of the same term whose log is shorter than the one that was granted.
    if (kind.pre) state.outbox.send(message);
    else state.outbox.sendWhenSaved(message);
  }
}
