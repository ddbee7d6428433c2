// MEMORY MALLOC-STATS, MEMORY PURGE: the allocator of keys and values.

import { ok, VerbatimReply } from "../../../resp/reply.ts";
import type { Server } from "../session-context.ts";
import type { SessionCommand } from "../spec.ts";

export const memoryMallocStats: SessionCommand = {
  kind: "session",
  name: "malloc-stats",
  summary: "What the allocator of keys and values has given out, by size.",
  since: "4.0.0",
  group: "server",
  complexity: "O(N), the number of sizes.",
  arity: 2,
  flags: [],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run: ({ server }) => new VerbatimReply(allocatorText(server)),
};

export const memoryPurge: SessionCommand = {
  kind: "session",
  name: "purge",
  summary: "Gives memory back that is kept for the keys and values to come.",
  since: "4.0.0",
  group: "server",
  complexity: "O(N), the number of MiB that are kept.",
  arity: 2,
  flags: [],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run({ server }) {
    server.purgeMemory();
    return ok;
  },
};

function allocatorText(server: Server): string {
  const { allocated, active, chunks } = server.memory();
  const sizes = server.slotSizes();
  const widths = [10, 12, 10] as const;
  const row = (...cells: readonly (string | number)[]) =>
    cells.map((cell, at) => String(cell).padStart(widths[at] ?? 0)).join("");
  return [
    `Allocated: ${allocated}, active: ${active}, chunks: ${chunks} bytes`,
    row("size", "slots", "pages"),
    ...sizes.map(({ bytes, slots, pages }) => row(bytes, slots, pages)),
    "",
  ].join("\n");
}
