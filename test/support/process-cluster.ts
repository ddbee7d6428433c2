// Several kvorum processes as one cluster: started, watched for a leader, cleaned up.

import { ServerProcess } from "./process-server.ts";

export class ClusterProcesses {
  /** In the order of their start; a restarted node takes the place of the old one. */
  readonly nodes: ServerProcess[];

  constructor(nodes: ServerProcess[]) {
    this.nodes = nodes;
  }

  /** The running node that says it leads, waited for. */
  async leader(timeoutMs = 15_000): Promise<ServerProcess> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      for (const node of this.nodes) {
        if (node.running && (await raftStatus(node))?.role === "leader") return node;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no leader within ${timeoutMs} ms:\n${this.logs()}`);
  }

  /** A node that does not lead, given one that does. */
  otherThan(...excluded: readonly ServerProcess[]): ServerProcess {
    const other = this.nodes.find((node) => node.running && !excluded.includes(node));
    if (other === undefined) throw new Error("no other node runs");
    return other;
  }

  /** Starts a node that has ended again, on its directory and port. */
  async restart(node: ServerProcess): Promise<ServerProcess> {
    const next = await node.restart();
    this.nodes[this.nodes.indexOf(node)] = next;
    return next;
  }

  logs(): string {
    return this.nodes.map((node) => `--- port ${node.port}\n${node.log}`).join("\n");
  }

  async dispose(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }
}

/** Of the nodes, in their order; who has no directory or environment here gets its own. */
export interface ClusterSetting {
  readonly dirs?: readonly string[];
  /** Options of every node. */
  readonly args?: readonly string[];
  readonly environments?: readonly Readonly<Record<string, string>>[];
}

/** A cluster of voters; the first node starts it and the others join one after the other. */
export async function startCluster(
  size: number,
  { dirs = [], args = [], environments = [] }: ClusterSetting = {},
): Promise<ClusterProcesses> {
  const nodes: ServerProcess[] = [];
  try {
    for (let at = 0; at < size; at++) {
      const dir = dirs[at];
      const env = environments[at];
      const first = nodes[0];
      const node = await ServerProcess.launch({
        ...(dir === undefined ? {} : { dir }),
        ...(env === undefined ? {} : { env }),
        ...(first === undefined ? {} : { join: first.port }),
        args,
      });
      nodes.push(node);
      await node.takesWrites();
    }
    const cluster = new ClusterProcesses(nodes);
    await allVote(cluster, size);
    return cluster;
  } catch (error) {
    await Promise.all(nodes.map((node) => node.dispose()));
    throw error;
  }
}

async function allVote(cluster: ClusterProcesses, size: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const [first] = cluster.nodes;
    if (first !== undefined && (await raftStatus(first))?.voters === size) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not ${size} voters within 20 s:\n${cluster.logs()}`);
}

export interface NodeStatus {
  readonly role: string;
  readonly term: number;
  readonly voters: number;
  readonly appliedIndex: number;
}

/** What RAFT STATUS says on a node, or null when it does not answer. */
export async function raftStatus(node: ServerProcess): Promise<NodeStatus | null> {
  const client = await node.connect().catch(() => null);
  if (client === null) return null;
  try {
    client.send(["RAFT", "STATUS"]);
    const [reply] = await client.replies(1, 1_000);
    const text = reply?.toString("latin1") ?? "";
    const [role, ...members] = text.match(/(?<=\$4\r\nrole\r\n\$\d+\r\n)\w+/g) ?? [];
    if (role === undefined) return null;
    const voters = members.filter((member) => member !== "learner").length;
    return {
      role,
      voters,
      term: number(text, "term"),
      appliedIndex: number(text, "applied-index"),
    };
  } catch {
    return null; // A paused node does not answer in time.
  } finally {
    client.close();
  }
}

function number(text: string, field: string): number {
  return Number(new RegExp(`\r\n${field}\r\n:(\\d+)`).exec(text)?.[1] ?? 0);
}
