// The first entry of every log of a simulated cluster: who its members are.

import { encodeAddress } from "../../src/net/members/member-address.ts";
import { foundingEntry } from "../../src/raft/core/membership.ts";
import { asNode, asTerm } from "../../src/raft/core/types.ts";
import type { LogStore } from "../../src/raft/ports.ts";

/** Resolves when it is on disk. */
export function foundLog(log: LogStore, nodes: number): Promise<void> {
  const members = Array.from({ length: nodes }, (_, at) => ({
    id: asNode(at + 1),
    voter: true,
    address: encodeAddress({ peer: `127.0.0.1:${17_001 + at}`, client: `127.0.0.1:${7001 + at}` }),
  }));
  const entries = [foundingEntry({ members, nextId: asNode(nodes + 1) })];
  const hardState = { term: asTerm(1), votedFor: null };
  return new Promise((resolve) => log.save({ hardState, entries }, resolve));
}
