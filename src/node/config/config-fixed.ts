// Rows of CONFIG GET that clients ask for and that cannot be otherwise here: facts, not options.

import { databaseCount, outputBytesMax } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";

/** `accepts`: as in Redis the row can be set, but only to what it is anyway. */
export interface FixedRow {
  readonly value: Bytes;
  readonly accepts: boolean;
}

const settable = (value: Bytes): FixedRow => ({ value, accepts: true });
const fixed = (value: Bytes): FixedRow => ({ value, accepts: false });

const outputLimit = `${outputBytesMax} 0 0`;

export const fixedRows: ReadonlyMap<string, FixedRow> = new Map([
  // Durability: every write is in the log on a majority before it is answered.
  ["save", settable("")],
  ["appendonly", settable("yes")],
  ["appendfsync", settable("always")],
  ["no-appendfsync-on-rewrite", settable("no")],
  // Clients have limits of their own.
  ["maxmemory-clients", settable("0")],
  [
    "client-output-buffer-limit",
    settable(`normal ${outputLimit} slave ${outputLimit} pubsub ${outputLimit}`),
  ],
  ["databases", fixed(String(databaseCount))],
  // Nodes know each other by Raft, not by Redis' replication or its cluster bus.
  ["cluster-enabled", fixed("no")],
  ["replicaof", fixed("")],
  ["tls-port", settable("0")],
  ["unixsocket", fixed("")],
  ["io-threads", fixed("1")],
  ["tcp-backlog", fixed("511")],
  // The log goes to stdout, the process stays in the foreground.
  ["daemonize", fixed("no")],
  ["supervised", fixed("no")],
  ["logfile", fixed("")],
  ["pidfile", fixed("")],
  ["enable-protected-configs", fixed("no")],
  ["enable-module-command", fixed("no")],
]);
