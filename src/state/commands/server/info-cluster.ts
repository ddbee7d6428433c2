// INFO's sections about the other nodes: replication in Redis' words, raft in our own.

import type { SessionContext } from "../spec.ts";
import type { Field } from "./info-node.ts";
import { otherMembers } from "./members.ts";

/** The other members appear as replicas of this node, which serves everything as a master does. */
export function replicationSection({ server }: SessionContext): readonly Field[] {
  const status = server.raft.status();
  const replicas = otherMembers(status);
  return [
    ["role", "master"],
    ["connected_slaves", replicas.filter(({ active }) => active !== false).length],
    ...replicas.map(({ host, port, offset, active }, at): Field => {
      const state = active === undefined ? "" : `state=${active ? "online" : "offline"},`;
      return [`slave${at}`, `ip=${host},port=${port},${state}offset=${offset}`];
    }),
    ["master_replid", status.clusterId],
    ["master_repl_offset", status.appliedIndex],
  ];
}

export function raftSection({ server }: SessionContext): readonly Field[] {
  const status = server.raft.status();
  return [
    ["raft_cluster_id", status.clusterId],
    ["raft_node_id", status.nodeId],
    ["raft_role", status.role],
    ["raft_term", status.term],
    ["raft_leader", status.leaderId],
    ["raft_commit_index", status.commitIndex],
    ["raft_applied_index", status.appliedIndex],
    ["raft_first_index", status.firstIndex],
    ["raft_last_index", status.lastIndex],
    ["raft_log_bytes", status.logBytes],
    ["raft_log_time_ms", status.logTimeMs],
    ["raft_pending_writes", status.pendingWrites],
    ["raft_members", status.members.length],
    ...status.members.map((member): Field => {
      const known = [
        `id=${member.id}`,
        `voter=${member.voter ? 1 : 0}`,
        `client_address=${member.clientAddress}`,
        `peer_address=${member.peerAddress}`,
      ];
      if (member.matchIndex !== null) known.push(`match_index=${member.matchIndex}`);
      if (member.active !== null) known.push(`active=${member.active ? 1 : 0}`);
      if (member.clockOffsetMs !== null) known.push(`clock_offset_ms=${member.clockOffsetMs}`);
      return [`raft_member${member.id}`, known.join(",")];
    }),
  ];
}
