// Who gets this node's vote (§5.2, §5.4.1, thesis 9.6).

import type { RaftState } from "./state.ts";
import type { EntryId, MessageOf } from "./types.ts";

/** §5.4.1: a voter refuses a candidate whose log is older than its own. */
export function isUpToDate(candidate: EntryId, own: EntryId): boolean {
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
    // A campaign that was only being prepared makes way for a real one.
    if (state.role !== "follower") state.becomeFollower(term, null);
    state.voteFor(message.from);
    state.timer.reset();
    state.outbox.sendWhenSaved({ ...reply, term, granted: true });
  }
}
