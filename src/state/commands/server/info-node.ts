// INFO's sections about the process: server, clients, memory, persistence, cpu, keyspace.

import { optionValue } from "../options.ts";
import type { LoadingProgress } from "../session-context.ts";
import type { SessionContext } from "../spec.ts";

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

export function memorySection({ server }: SessionContext): readonly Field[] {
  const { usedBytes, residentBytes, peakBytes } = server.memory();
  const total = server.host.totalMemoryBytes;
  const limit = optionValue(server.config, "maxmemory") ?? "0";
  return [
    ["used_memory", usedBytes],
    ["used_memory_human", humanBytes(usedBytes)],
    ["used_memory_rss", residentBytes],
    ["used_memory_rss_human", humanBytes(residentBytes)],
    ["used_memory_peak", peakBytes],
    ["used_memory_peak_human", humanBytes(peakBytes)],
    ["used_memory_peak_perc", `${((usedBytes / peakBytes) * 100).toFixed(2)}%`],
    ["total_system_memory", total],
    ["total_system_memory_human", humanBytes(total)],
    ["maxmemory", limit],
    ["maxmemory_human", humanBytes(Number(limit))],
    ["maxmemory_policy", optionValue(server.config, "maxmemory-policy") ?? "noeviction"],
    ["mem_fragmentation_ratio", (residentBytes / usedBytes).toFixed(2)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
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
