// READONLY, READWRITE

import { ok } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

const common = {
  kind: "session",
  since: "3.0.0",
  group: "cluster",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  categories: ["connection"],
} as const;

/** Redis Cluster's word for a client that takes old answers from a replica rather than none. */
export const readonly: SessionCommand = {
  ...common,
  name: "readonly",
  summary: "Reads of this connection are answered from its node's own state, which may be old.",
  run({ client }) {
    client.readsLocally = true;
    return ok;
  },
};

export const readwrite: SessionCommand = {
  ...common,
  name: "readwrite",
  summary: "Reads of this connection are linearizable again.",
  run({ client }) {
    client.readsLocally = false;
    return ok;
  },
};
