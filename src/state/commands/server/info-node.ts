// INFO's sections about the process: server, clients, memory, persistence, cpu, keyspace.

import { optionValue } from "../options.ts";
import type { LoadingProgress } from "../session-context.ts";
import type { SessionContext } from "../spec.ts";
import { clientsBytes, sharesOf } from "./memory-figures.ts";

/** One line of a section. Only what this server knows: a field without a true value is left out. */
export type Field = readonly [name: string, value: string | number | bigint];

const secondsPerDay = 86_400;

export function serverSection({ server }: SessionContext): readonly Field[] {
  const { host } = server;
  const uptime = Math.max(0, Math.floor((server.nowMs() - server.startedAtMs) / 1000));
  return [
    ["redis_version", server.version],
    ["kvorum_version", server.kvorumVersion],
    ["redis_mode", "standalone"],
    ["os", host.os],
    ["arch_bits", host.archBits],
    ["process_id", host.processId],
    ["run_id", server.runId],
    ["tcp_port", server.port],
    ["server_time_usec", server.nowMicros()],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / secondsPerDay)],
    ["executable", host.executable],
    ["config_file", host.configFile],
  ];
}

export function clientsSection({ server }: SessionContext): readonly Field[] {
  let connected = 0;
  for (const _client of server.clients()) connected += 1;
  const most = optionValue(server.config, "maxclients");
  return [
    ["connected_clients", connected],
    ...(most === undefined ? [] : [field("maxclients", most)]),
  ];
}

/** `maxmemory` is compared with used_memory_dataset; everything else is `mem_not_counted_for_evict`. */
export function memorySection({ server }: SessionContext): readonly Field[] {
  const memory = server.memory();
  const { used, peak, resident, allocated, active, chunks } = memory;
  const shares = sharesOf(memory);
  const total = server.host.totalMemoryBytes;
  const limit = optionValue(server.config, "maxmemory") ?? "0";
  return [
    ...withHuman("used_memory", used),
    ...withHuman("used_memory_rss", resident),
    ...withHuman("used_memory_peak", peak),
    field("used_memory_peak_perc", `${shares.peakPercent.toFixed(2)}%`),
    ["used_memory_overhead", shares.overhead],
    ["used_memory_startup", memory.startup],
    ["used_memory_dataset", memory.dataset],
    field("used_memory_dataset_perc", `${shares.datasetPercent.toFixed(2)}%`),
    ["allocator_allocated", allocated],
    ["allocator_active", active],
    ["allocator_resident", chunks],
    ...withHuman("total_system_memory", total),
    ["maxmemory", limit],
    ["maxmemory_human", humanBytes(Number(limit))],
    ["maxmemory_policy", optionValue(server.config, "maxmemory-policy") ?? "noeviction"],
    ["allocator_frag_ratio", shares.pageRatio.toFixed(2)],
    ["allocator_frag_bytes", active - allocated],
    ["allocator_rss_ratio", shares.chunkRatio.toFixed(2)],
    ["allocator_rss_bytes", chunks - active],
    ["mem_fragmentation_ratio", shares.processRatio.toFixed(2)],
    ["mem_fragmentation_bytes", resident - used],
    ["mem_not_counted_for_evict", shares.overhead],
    ["mem_clients_normal", clientsBytes(server)],
    ["lazyfree_pending_objects", memory.flushedKeys],
  ];
}

function withHuman(name: string, bytes: number): readonly Field[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

export function persistenceSection({ server }: SessionContext): readonly Field[] {
  return [
    ["loading", server.loading === null ? 0 : 1],
    ["async_loading", 0],
    ["rdb_changes_since_last_save", server.changesSinceCheckpoint],
    ["rdb_bgsave_in_progress", server.checkpointRunning ? 1 : 0],
    ["rdb_last_save_time", server.lastCheckpointSeconds],
    ["aof_enabled", optionValue(server.config, "appendonly") === "yes" ? 1 : 0],
    ...(server.loading === null ? [] : loadingFields(server.loading, server.nowMs())),
  ];
}

/** As Redis counts: in whole seconds, and one second is left where nothing can be said yet. */
function loadingFields(progress: LoadingProgress, nowMs: number): readonly Field[] {
  const { startedAtMs, totalBytes, loadedBytes } = progress;
  const startedAt = Math.floor(startedAtMs / 1000);
  const elapsed = Math.max(0, Math.floor(nowMs / 1000) - startedAt);
  const remaining = totalBytes === 0 ? 1 : totalBytes - loadedBytes;
  const eta = elapsed === 0 ? 1 : Math.floor((elapsed * remaining) / (loadedBytes + 1));
  const percent = totalBytes === 0 ? 0 : (loadedBytes / totalBytes) * 100;
  return [
    ["loading_start_time", startedAt],
    ["loading_total_bytes", totalBytes],
    ["loading_rdb_used_mem", 0],
    ["loading_loaded_bytes", loadedBytes],
    ["loading_loaded_perc", percent.toFixed(2)],
    ["loading_eta_seconds", eta],
  ];
}

export function cpuSection({ server }: SessionContext): readonly Field[] {
  const { systemSeconds, userSeconds } = server.cpu();
  return [
    ["used_cpu_sys", systemSeconds.toFixed(6)],
    ["used_cpu_user", userSeconds.toFixed(6)],
  ];
}

export function keyspaceSection({ server }: SessionContext): readonly Field[] {
  return server
    .keyspace()
    .map(({ index, keys, expires, averageTtlMs }) =>
      field(`db${index}`, `keys=${keys},expires=${expires},avg_ttl=${averageTtlMs}`),
    );
}

function field(name: string, value: string): Field {
  return [name, value];
}

const units = ["B", "K", "M", "G", "T", "P"] as const;

/** As Redis writes sizes: "312B", "1015.52K", "23.54G". */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${units[unit]}`;
}
