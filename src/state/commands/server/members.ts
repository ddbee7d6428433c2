// The other members of the cluster in the form in which Redis speaks of replicas.

import type { RaftStatus } from "../session-context.ts";

export interface Replica {
  readonly host: string;
  readonly port: string;
  /** The last log index that it is known to hold; -1 on nodes that do not know it. */
  readonly offset: number;
  /** Undefined on nodes that do not know it. */
  readonly active: boolean | undefined;
}

const unknownOffset = -1;

export function otherMembers({ members, nodeId }: RaftStatus): readonly Replica[] {
  return members
    .filter(({ id }) => id !== nodeId)
    .map(({ clientAddress, matchIndex, active }) => {
      const colon = clientAddress.lastIndexOf(":");
      return {
        host: clientAddress.slice(0, colon),
        port: clientAddress.slice(colon + 1),
        offset: matchIndex ?? unknownOffset,
        active: active ?? undefined,
      };
    });
}
