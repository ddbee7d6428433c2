// The first entry of every log of a simulated cluster: who its members are.

import { encodeAddress } from "../../src/node/members/member-address.ts";
import { foundingEntry } from "../../src/raft/core/membership.ts";
import { asNode, asTerm } from "../../src/raft/core/types.ts";
import type { LogStore } from "../../src/raft/ports.ts";

/** Where the founders are, and after them whoever asks to join. */
export const addressOf = (id: number) => ({
  peer: `127.0.0.1:${17_000 + id}`,
  client: `127.0.0.1:${7000 + id}`,
});

/** Resolves when it is on disk. */
export function foundLog(log: LogStore, nodes: number): Promise<void> {
  const members = Array.from({ length: nodes }, (_, at) => ({
    id: asNode(at + 1),
    voter: true,
    address: encodeAddress(addressOf(at + 1)),
  }));
  const entries = [foundingEntry({ members, nextId: asNode(nodes + 1) })];
  const hardState = { term: asTerm(1), votedFor: null };
  return new Promise((resolve) => log.save({ hardState, entries }, resolve));
}
