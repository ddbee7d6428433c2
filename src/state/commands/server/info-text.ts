// The text of INFO: which sections, in which order, and how they are written.

import type { Arguments } from "../../parse/arguments.ts";
import type { SessionContext } from "../spec.ts";
import { raftSection, replicationSection } from "./info-cluster.ts";
import {
  clientsSection,
  cpuSection,
  type Field,
  keyspaceSection,
  memorySection,
  persistenceSection,
  serverSection,
} from "./info-node.ts";
import { commandstatsSection, errorstatsSection, statsSection } from "./info-stats.ts";

interface Section {
  readonly title: string;
  /** Shown when no section is named. */
  readonly usual: boolean;
  fields(context: SessionContext): readonly Field[];
}

const none = () => [];

/** In the order of Redis, ours at the end. */
const sections: ReadonlyMap<string, Section> = new Map<string, Section>([
  ["server", { title: "Server", usual: true, fields: serverSection }],
  ["clients", { title: "Clients", usual: true, fields: clientsSection }],
  ["memory", { title: "Memory", usual: true, fields: memorySection }],
  ["persistence", { title: "Persistence", usual: true, fields: persistenceSection }],
  ["stats", { title: "Stats", usual: true, fields: statsSection }],
  ["replication", { title: "Replication", usual: true, fields: replicationSection }],
  ["cpu", { title: "CPU", usual: true, fields: cpuSection }],
  ["modules", { title: "Modules", usual: true, fields: none }],
  ["commandstats", { title: "Commandstats", usual: false, fields: commandstatsSection }],
  ["errorstats", { title: "Errorstats", usual: true, fields: errorstatsSection }],
  ["cluster", { title: "Cluster", usual: true, fields: () => [["cluster_enabled", 0]] }],
  ["keyspace", { title: "Keyspace", usual: true, fields: keyspaceSection }],
  ["raft", { title: "Raft", usual: true, fields: raftSection }],
]);

/** @param names as the client wrote them; unknown ones add nothing */
export function infoText(context: SessionContext, names: Arguments): string {
  const chosen = chosenSections(names);
  return [...sections]
    .filter(([name]) => chosen.has(name))
    .map(([, section]) => {
      const lines = section.fields(context).map(([name, value]) => `${name}:${value}\r\n`);
      return `# ${section.title}\r\n${lines.join("")}`;
    })
    .join("\r\n");
}

function chosenSections(names: Arguments): ReadonlySet<string> {
  return new Set((names.length === 0 ? ["default"] : names).flatMap(sectionsOf));
}

/** What one word of a request stands for. */
function sectionsOf(name: string): readonly string[] {
  const lower = name.toLowerCase();
  if (lower === "all" || lower === "everything") return [...sections.keys()];
  if (lower !== "default") return [lower];
  return [...sections].filter(([, { usual }]) => usual).map(([known]) => known);
}
