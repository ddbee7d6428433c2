// Real kvorum processes as one cluster, each in its place, with one more place for a node that joins.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ability } from "../machine/abilities.ts";
import { undoAtExit } from "../machine/cleanup.ts";
import { FakeClock, faketimeLibrary } from "../machine/fake-clock.ts";
import { LoopDisk } from "../machine/loop-disk.ts";
import { loopback, type Network, namespaces } from "../machine/network.ts";
import { ThrottledNetwork } from "../machine/throttle.ts";
import { ChaosNode, type Place } from "./node.ts";
import { question, type Status, statusOf } from "./status.ts";
import { until } from "./until.ts";

/** Starting, joining and catching up, on a machine that does other things as well. */
const startMs = 30_000;

export class ChaosCluster {
  readonly network: Network;
  /** The voters, by slot. */
  readonly nodes: readonly ChaosNode[];
  /** The place beyond them; nobody is there at first. */
  readonly spare: ChaosNode;
  readonly #undo: () => void;

  private constructor(network: Network, places: readonly ChaosNode[], undo: () => void) {
    this.network = network;
    this.nodes = places.slice(0, -1);
    this.spare = places.at(-1) as ChaosNode;
    this.#undo = undo;
  }

  /** @param abilities what the faults of this run need, and only that */
  static async start(size: number, abilities: readonly Ability[]): Promise<ChaosCluster> {
    const base = await mkdtemp(join(tmpdir(), "kvorum-chaos-"));
    // Registered first, so done last: disks are mounted below.
    const undo = undoAtExit(() => rmSync(base, { recursive: true, force: true }));
    const network = await networkFor(size + 1, abilities);
    const places: ChaosNode[] = [];
    try {
      for (const slot of network.addresses.keys()) {
        places.push(new ChaosNode(await placeOf(slot, network, base, abilities)));
      }
    } catch (error) {
      for (const node of places) await node.dispose();
      network.dispose();
      undo();
      throw error;
    }
    const cluster = new ChaosCluster(network, places, undo);
    try {
      for (const node of cluster.nodes) await cluster.join(node);
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  /** Those that run, of all places. */
  get living(): readonly ChaosNode[] {
    return [...this.nodes, this.spare].filter((node) => node.running);
  }

  /** The node that says it leads in the highest term, waited for. */
  leader(timeoutMs = startMs): Promise<ChaosNode> {
    return until("a leader", timeoutMs, async () => {
      const all = await Promise.all(this.living.map((node) => withStatus(node)));
      const leaders = all.filter(({ status }) => status?.role === "leader");
      leaders.sort((a, b) => (b.status?.term ?? 0) - (a.status?.term ?? 0));
      return leaders[0]?.node ?? null;
    });
  }

  /** The highest term that anybody knows. */
  async term(): Promise<number> {
    const all = await Promise.all(this.living.map(({ address }) => statusOf(address)));
    return Math.max(0, ...all.map((status) => status?.term ?? 0));
  }

  /** Starts a node that has no data and waits until it votes. The first one begins the cluster. */
  async join(node: ChaosNode): Promise<void> {
    const [first] = this.living;
    node.start(first?.address ?? null);
    await until(
      `node ${node.slot} votes`,
      startMs,
      async () => {
        const status = await statusOf(node.address);
        if (status === null || status.role === "learner") return null;
        return this.#leads(status) ? status : null;
      },
      () => `\n${node.log}`,
    );
  }

  /** Takes a node out of the configuration; its process goes on. */
  async remove(node: ChaosNode, by: ChaosNode): Promise<void> {
    const id = (await this.#statusSoon(node)).nodeId;
    await until(`node ${node.slot} is removed`, startMs, async () => {
      const words = ["RAFT", "REMOVE", String(id)];
      const done = await question(by.address, words, 5_000).catch((error: Error) => error);
      // Removed by an attempt whose answer was lost: then there is no such member any more.
      return done === "OK" || String(done).includes("no member") ? true : null;
    });
  }

  /** Waits until every voter knows one leader: faults have healed, clients are being served. */
  async recovered(timeoutMs = startMs): Promise<void> {
    await this.#agree("all nodes know one leader", timeoutMs, (all) => {
      const leaders = new Set(all.map(({ leader }) => leader));
      return leaders.size === 1 && all.every((status) => this.#leads(status));
    });
  }

  /** Waits until every voter has committed and applied the same entries; nobody may write meanwhile. */
  async agrees(timeoutMs = startMs): Promise<void> {
    await this.#agree("all nodes have applied the same entries", timeoutMs, (all) => {
      const indexes = all.flatMap(({ commitIndex, appliedIndex }) => [commitIndex, appliedIndex]);
      return new Set(indexes).size === 1;
    });
  }

  /** How much every link between nodes carries from now on; null lifts the limit. Needs proxies. */
  throttle(bytesPerSecond: number | null): void {
    const { network } = this;
    if (!(network instanceof ThrottledNetwork)) throw new Error("no proxies are between the nodes");
    network.throttle(bytesPerSecond);
  }

  async dispose(): Promise<void> {
    for (const node of [...this.nodes, this.spare]) await node.dispose();
    this.network.dispose();
    this.#undo();
  }

  async #agree(what: string, timeoutMs: number, holds: (all: Status[]) => boolean): Promise<void> {
    let last: (Status | null)[] = [];
    await until(
      what,
      timeoutMs,
      async () => {
        const ended = this.nodes.find((node) => !node.running);
        if (ended !== undefined) throw new Error(`${what}: node ${ended.slot} has ended`);
        last = await Promise.all(this.nodes.map(({ address }) => statusOf(address)));
        const all = last.filter((status) => status !== null);
        return all.length === this.nodes.length && holds(all) ? true : null;
      },
      () => `: ${last.map(statusInWords).join("; ")}`,
    );
  }

  #leads({ leader, members }: Status): boolean {
    return leader !== 0 && members.some(({ id }) => id === leader);
  }

  #statusSoon(node: ChaosNode): Promise<Status> {
    return until(`node ${node.slot} answers`, startMs, () => statusOf(node.address));
  }
}

/** Proxies stand between nodes of one machine: a network with namespaces has none. */
function networkFor(size: number, abilities: readonly Ability[]): Promise<Network> {
  if (abilities.includes("namespaces")) return namespaces(size);
  return abilities.includes("proxies") ? ThrottledNetwork.open(size) : loopback(size);
}

async function placeOf(
  slot: number,
  network: Network,
  base: string,
  abilities: readonly Ability[],
): Promise<Place> {
  const name = `node-${slot}`;
  const needsDisk = abilities.includes("disks") || abilities.includes("freezing");
  const disk = needsDisk ? await LoopDisk.make(base, name) : null;
  const library = abilities.includes("clocks") ? faketimeLibrary() : null;
  return {
    slot,
    address: network.addresses[slot] as Place["address"],
    dir: join(base, name, "data"),
    announce: network.announce(slot),
    wrapper: network.wrapper(slot),
    disk,
    clock: library === null ? null : new FakeClock(library, join(base, `${name}.clock`)),
  };
}

async function withStatus(node: ChaosNode): Promise<{ node: ChaosNode; status: Status | null }> {
  return { node, status: await statusOf(node.address) };
}

function statusInWords(status: Status | null, slot: number): string {
  if (status === null) return `node ${slot} does not answer`;
  const { role, term, leader, commitIndex, appliedIndex } = status;
  return `node ${slot} ${role} term ${term} leader ${leader} committed ${commitIndex} applied ${appliedIndex}`;
}
