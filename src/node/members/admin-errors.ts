// What an operator is told when a change of members does not come about: why, and what to do.

import { membersMax } from "../../constants.ts";
import { ErrorReply } from "../../resp/reply.ts";

const error = (text: string) => new ErrorReply(text);

/** Node ids as a sentence names them: "node 2", "nodes 2, 3". */
function nodes(ids: readonly number[]): string {
  return `${ids.length === 1 ? "node" : "nodes"} ${ids.join(", ")}`;
}

/** What a node logs when it was removed. */
export function removedLine(id: number): string {
  return (
    `node ${id} was removed from the cluster: it serves no data and never votes. ` +
    "Stop it. To come back as a new member it needs an empty --dir, and --join"
  );
}

export const adminErrors = {
  /** To every client of a node that is no member any more, whatever it asks of the cluster. */
  removed: error(
    "CLUSTERDOWN This node was removed from the cluster: connect to another node. Not executed",
  ),
  unknownOutcome: error(
    "UNKNOWN The fate of this change is not known: see RAFT STATUS, and ask again if it is not there",
  ),
  /** `why`: what the core says of an obstacle that goes away by itself. */
  notNow: (why: string) => error(`ERR ${why}: ask again in a moment`),
  noMember: (id: number) => error(`ERR there is no member ${id}: RAFT STATUS lists the members`),

  unusableAddress: error(
    "ERR an address is host:port, first the one for clients, then the one for the other nodes",
  ),
  peerAddressTaken: (address: string, id: number) =>
    error(
      `ERR ${address} is member ${id} already, with another data directory: give its own --dir if this one is wrong. ` +
        `If its data is gone: RAFT REMOVE ${id} first, then start this node again, with --join as now`,
    ),
  clientAddressTaken: (address: string, id: number) =>
    error(`ERR clients reach member ${id} at ${address}: give the new node another address`),
  tooManyMembers: error(
    `ERR a cluster has at most ${membersMax} members: RAFT REMOVE one of them first`,
  ),

  lastVoter: (id: number) =>
    error(`ERR node ${id} is the only voter: RAFT ADD another node first, or just stop this one`),
  noLiveMajority: (id: number, silent: readonly number[]) =>
    error(
      `ERR without node ${id} the voters that answer are no majority: ` +
        `start ${nodes(silent)} again or remove ${silent.length === 1 ? "it" : "them"} first`,
    ),

  noSuccessor: error(
    "ERR no other voter answers: RAFT STATUS shows who is silent. Start one, or RAFT ADD a node",
  ),
  isLearner: (id: number) =>
    error(`ERR node ${id} is a learner: ask again when it has caught up and votes`),
  isSilent: (id: number) =>
    error(`ERR node ${id} does not answer: start it, or hand leadership to another member`),
  /** The leader has given the transfer up, and goes on. */
  notTakenOver: (heir: number) =>
    error(`ERR node ${heir} has not taken over in time: see RAFT STATUS, and ask again`),
  /** Another node became leader instead. */
  anotherLeads: (leader: number) =>
    error(`ERR node ${leader} leads instead: see RAFT STATUS, and ask again`),
  unreadableAnswer: error("ERR the leader's answer could not be read: see RAFT STATUS"),
} as const;
