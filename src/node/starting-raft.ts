// What a node says of its cluster before it has read its log: who it is, and that it knows of no leader and no members.

import { errors } from "../resp/errors.ts";
import type { Reply } from "../resp/reply.ts";
import type { RaftAdmin, RaftStatus } from "../state/commands/session-context.ts";
import type { Identity } from "./directory/data-directory.ts";

export class StartingRaft implements RaftAdmin {
  readonly #identity: Pick<Identity, "clusterId" | "nodeId">;

  constructor(identity: Pick<Identity, "clusterId" | "nodeId">) {
    this.#identity = identity;
  }

  status(): RaftStatus {
    const { clusterId, nodeId } = this.#identity;
    return { ...nothingKnown, clusterId, nodeId };
  }

  add(): Promise<Reply> {
    return Promise.resolve(errors.loading);
  }
  remove(): Promise<Reply> {
    return Promise.resolve(errors.loading);
  }
  transfer(): Promise<Reply> {
    return Promise.resolve(errors.loading);
  }
}

const nothingKnown = {
  role: "follower",
  term: 0,
  leaderId: 0,
  commitIndex: 0,
  appliedIndex: 0,
  firstIndex: 0,
  lastIndex: 0,
  logBytes: 0,
  logTimeMs: 0,
  pendingWrites: 0,
  members: [],
} as const;
