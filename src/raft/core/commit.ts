// What is committed: entries of the leader's own term that a majority has on disk (§5.3, §5.4.2).

import { isMember } from "./membership.ts";
import { reachedByMajority } from "./quorum.ts";
import { sendAppends } from "./replication.ts";
import type { RaftState } from "./state.ts";
import { handOver } from "./transfer.ts";
import { asIndex } from "./types.ts";

/** May end the leadership: a leader that removed itself is done when that is committed (§6). */
export function advanceCommit(state: RaftState): void {
  const { leadership, log } = state;
  if (leadership === null) return;
  const reached = log.history.voters.map((id) =>
    // This node's own disk counts like any other, and not before its write is done (thesis 10.2.1).
    id === state.id ? log.stable : (leadership.followers.get(id)?.match ?? 0),
  );
  const index = asIndex(reachedByMajority(reached));
  // §5.4.2: copies of an older term's entry prove nothing; it is committed by one of our own.
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
