// RAFT STATUS

import { MapReply, type Reply } from "../../../resp/reply.ts";
import type { RaftStatus } from "../session-context.ts";
import type { SessionCommand } from "../spec.ts";

export const raftStatus: SessionCommand = {
  kind: "session",
  name: "status",
  summary: "Answers this node's part in the cluster, and its members.",
  since: "0.1.0",
  group: "cluster",
  complexity: "O(N) in the number of members",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["nondeterministic_output"],
  run({ server }) {
    const status = server.raft.status();
    return new MapReply([
      ["cluster-id", status.clusterId],
      ["node-id", status.nodeId],
      ["role", isRemoved(status) ? "removed" : status.role],
      ["term", status.term],
      ["leader", status.leaderId],
      ["commit-index", status.commitIndex],
      ["applied-index", status.appliedIndex],
      ["lag", status.commitIndex - status.appliedIndex],
      ["log-bytes", status.logBytes],
      ["members", status.members.map((member) => memberReply(status, member))],
    ]);
  },
};

/** A node that does not know its cluster yet lists no members at all. */
function isRemoved({ members, nodeId }: RaftStatus): boolean {
  return members.length > 0 && members.every(({ id }) => id !== nodeId);
}

/** What only the leader knows of a member is null elsewhere. */
function memberReply(status: RaftStatus, member: RaftStatus["members"][number]): Reply {
  const { matchIndex, active, clockOffsetMs, snapshotPercent } = member;
  return new MapReply([
    ["id", member.id],
    ["role", roleOf(status, member)],
    ["client-address", member.clientAddress],
    ["peer-address", member.peerAddress],
    ["match-index", matchIndex],
    ["lag", matchIndex === null ? null : Math.max(0, status.lastIndex - matchIndex)],
    ["active", active === null ? null : Number(active)],
    ["clock-offset-ms", clockOffsetMs],
    ...percentRow(snapshotPercent),
  ]);
}

function roleOf(status: RaftStatus, member: RaftStatus["members"][number]): string {
  if (member.id === status.leaderId) return "leader";
  return member.voter ? "voter" : "learner";
}

/** Only while a snapshot is on its way. */
function percentRow(percent: number | undefined): readonly (readonly [Reply, Reply])[] {
  return percent === undefined ? [] : [["snapshot-percent", percent]];
}
