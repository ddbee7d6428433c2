// Two states in one word each: equal when no client can ever tell them apart.

import { createHash } from "node:crypto";
import type { Entry } from "../../src/raft/core/types.ts";
import type { Machine } from "../../src/state/execution/machine.ts";

/** Over every key, value and expiry in their order, log time, and what is applied of whom. */
export function fingerprint(machine: Machine): string {
  const hash = createHash("sha1");
  const word = (bytes: string) => hash.update(`${bytes.length}:${bytes}`, "latin1");
  word(`${machine.appliedIndex} ${machine.logTimeMs} ${machine.keyspace.nextId}`);
  word(JSON.stringify(machine.origins.list()));
  for (const database of machine.keyspace.databases) {
    word(`database ${database.id} ${database.size} ${database.expires}`);
    for (const partition of database.filledPartitions()) {
      word(`partition ${partition.number}`);
      for (let at = 0; at < partition.size; at++) {
        word(partition.key(at));
        word(partition.value(at));
        word(String(partition.expiryAt(at)));
      }
    }
  }
  return hash.digest("hex");
}

export function sameEntry(one: Entry, other: Entry | undefined): boolean {
  return (
    other !== undefined &&
    one.index === other.index &&
    one.term === other.term &&
    one.kind === other.kind &&
    Buffer.compare(one.data, other.data) === 0
  );
}
