// What a checkpoint says of consensus: the entry it stands at, and the configuration in force there.

import { decodeMembership, encodeMembership } from "../../raft/core/membership.ts";
import type { SnapshotPoint } from "../../raft/core/types.ts";
import { asIndex, asNode, asTerm, type Membership } from "../../raft/core/types.ts";
import type { RestartPoint } from "../../raft/ports.ts";
import type { CheckpointContext, CheckpointMeta } from "../../state/checkpoint/meta.ts";

/** For the meta record of a checkpoint. */
export function checkpointContext(
  term: number,
  at: { readonly index: number; readonly membership: Membership },
): CheckpointContext {
  const membership = Buffer.from(encodeMembership(at.membership)).toString("utf8");
  return { term, membershipIndex: at.index, membership };
}

/** Null when the membership cannot be read. */
export function snapshotPoint(meta: CheckpointMeta): SnapshotPoint | null {
  const membership = decodeMembership(Buffer.from(meta.membership));
  if (membership === null) return null;
  return {
    index: asIndex(meta.appliedIndex),
    term: asTerm(meta.term),
    membership: { index: asIndex(meta.membershipIndex), membership },
  };
}

/** Where the log goes on behind a snapshot. */
export function restartPoint({ index, term, membership }: SnapshotPoint): RestartPoint {
  const data = encodeMembership(membership.membership);
  return { base: { index, term }, membership: { index: membership.index, data } };
}

/** Before the first entry. */
export const noMembership = { index: 0, membership: { members: [], nextId: asNode(1) } };
