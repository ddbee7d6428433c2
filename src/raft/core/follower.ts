// What a follower does with each message of its own term (§5.2, §5.3).

import { unreachable } from "../../assert.ts";
import { receiveAppend, receiveHeartbeat } from "./append.ts";
import { startElection } from "./candidate.ts";
import { answerVote } from "./election.ts";
import { receiveSnapshot } from "./snapshot.ts";
import type { RaftState } from "./state.ts";
import type { Message } from "./types.ts";

/** The term rule of §5.1 has already run. */
export function stepFollower(state: RaftState, message: Message): void {
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
