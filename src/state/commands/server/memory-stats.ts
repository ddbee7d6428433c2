// MEMORY STATS

import { DoubleReply, type Entry, MapReply, type Reply } from "../../../resp/reply.ts";
import type { Server } from "../session-context.ts";
import type { SessionCommand } from "../spec.ts";
import { clientsBytes, sharesOf } from "./memory-figures.ts";

/** Redis' fields as far as they exist here: there is no append-only file's buffer, no Lua, no cluster bus. */
export const memoryStats: SessionCommand = {
  kind: "session",
  name: "stats",
  summary: "What the memory of this node is used for.",
  since: "4.0.0",
  group: "server",
  complexity: "O(N) in the number of clients, and in the pieces of the index.",
  arity: 2,
  flags: [],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run: ({ server }) => new MapReply(fields(server)),
};

function fields(server: Server): readonly Entry[] {
  const memory = server.memory();
  const { used, resident, allocated, active, chunks } = memory;
  const shares = sharesOf(memory);
  const tables = server.tables();
  const keys = tables.reduce((sum, table) => sum + table.keys, 0);
  return [
    ["peak.allocated", memory.peak],
    ["total.allocated", used],
    ["startup.allocated", memory.startup],
    ["clients.normal", clientsBytes(server)],
    ...tables.map(({ index, mainBytes, dueBytes }): Entry => {
      const table: readonly Entry[] = [
        ["overhead.hashtable.main", mainBytes],
        ["overhead.hashtable.expires", dueBytes],
      ];
      return [`db.${index}`, new MapReply(table)];
    }),
    ["overhead.total", shares.overhead],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(shares.net / keys)],
    ["dataset.bytes", memory.dataset],
    ["dataset.percentage", double(shares.datasetPercent)],
    ["peak.percentage", double(shares.peakPercent)],
    ["allocator.allocated", allocated],
    ["allocator.active", active],
    ["allocator.resident", chunks],
    ["allocator-fragmentation.ratio", double(shares.pageRatio)],
    ["allocator-fragmentation.bytes", active - allocated],
    ["allocator-rss.ratio", double(shares.chunkRatio)],
    ["allocator-rss.bytes", chunks - active],
    ["fragmentation", double(shares.processRatio)],
    ["fragmentation.bytes", resident - used],
  ];
}

function double(value: number): Reply {
  return new DoubleReply(value);
}
