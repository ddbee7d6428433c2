// What a replica says in the log of the program, in words for the operator.

import type { NodeId } from "../../raft/core/types.ts";

export function describeLeader(leader: NodeId | null, self: NodeId): string {
  if (leader === null) return "no leader";
  return leader === self ? "this node leads" : `node ${leader} leads`;
}

/** Entry indexes: what was acknowledged, and what is left. */
export function describeLoss(acknowledged: number, last: number): string {
  return (
    `this node has acknowledged entry ${acknowledged}, and its log ends at entry ${last}: its disk has lost what others ` +
    "count on. Remove it from the cluster (RAFT REMOVE), and let it join anew with an empty directory"
  );
}
