// INFO's sections about what has happened: stats, commandstats, errorstats.

import type { SessionContext } from "../spec.ts";
import type { Field } from "./info-node.ts";

export function statsSection({ server }: SessionContext): readonly Field[] {
  const { stats } = server;
  return [
    ["total_connections_received", stats.connectionsReceived],
    ["total_commands_processed", stats.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(stats.commandsPerSecond)],
    ["total_net_input_bytes", stats.inputBytes],
    ["total_net_output_bytes", stats.outputBytes],
    ["rejected_connections", stats.connectionsRejected],
    ["expired_keys", stats.expiredKeys],
    ["evicted_keys", stats.evictedKeys],
    ["keyspace_hits", stats.keyspaceHits],
    ["keyspace_misses", stats.keyspaceMisses],
    ["total_error_replies", stats.errorReplies],
  ];
}

/** Without Redis' `usec` and `usec_per_call`: commands are not timed. */
export function commandstatsSection({ server }: SessionContext): readonly Field[] {
  return [...server.stats.commands].map(
    ([name, { calls, failed, rejected }]): Field => [
      `cmdstat_${name}`,
      `calls=${calls},rejected_calls=${rejected},failed_calls=${failed}`,
    ],
  );
}

export function errorstatsSection({ server }: SessionContext): readonly Field[] {
  return [...server.stats.errors].map(
    ([code, count]): Field => [`errorstat_${code}`, `count=${count}`],
  );
}
