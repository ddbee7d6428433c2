// How long a client of another node waits when the leader fails: nine times each way.

import { Random } from "../../differential/random.ts";
import { connectTo } from "../clients/connection.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { pause } from "../cluster/until.ts";
import type { Fault } from "../faults/fault.ts";
import { layOut, middle } from "./report.ts";

const times = 9;
/** Long enough for every election; a later write would come from the healed leader. */
const holdMs = 4_000;
const calmMs = 500;

export interface Failover {
  readonly fault: string;
  /** Milliseconds from the last acknowledged write before the fault to the first one after it. */
  readonly waitsMs: readonly number[];
}

export async function measureFailover(
  fault: Fault,
  nodes: number,
  seed: number,
  progress: (line: string) => void,
): Promise<Failover> {
  const cluster = await ChaosCluster.start(nodes, fault.needs);
  const random = new Random(seed);
  const waitsMs: number[] = [];
  try {
    while (waitsMs.length < times) {
      const leader = await cluster.leader();
      const through = random.pick(cluster.nodes.filter((node) => node !== leader));
      const writer = new Writer(through);
      await writer.begin();
      await pause(calmMs);
      const trouble = await fault.start({ cluster, random });
      await Promise.race([pause(holdMs), writer.waited(leaderLossMs)]);
      await trouble.heal();
      await cluster.recovered();
      waitsMs.push(await writer.end());
      progress(`${fault.name} ${waitsMs.length}/${times}: ${Math.round(waitsMs.at(-1) ?? 0)} ms`);
    }
    return { fault: fault.name, waitsMs };
  } finally {
    await cluster.dispose();
  }
}

/** No write takes so long while a leader lives. */
const leaderLossMs = 300;

/** Writes without pause through one node, and remembers the longest time without an acknowledgement. */
class Writer {
  readonly #node: ChaosNode;
  #longestMs = 0;
  #isOver = false;
  #done: Promise<void> = Promise.resolve();

  constructor(node: ChaosNode) {
    this.#node = node;
  }

  async begin(): Promise<void> {
    const connection = await connectTo("raw", this.#node.address);
    const write = async () => {
      const { type } = await connection.ask(["SET", "failover", "x"]);
      if (type !== "reply") throw new Error(`a write through node ${this.#node.slot}: ${type}`);
    };
    await write();
    this.#done = (async () => {
      let last = performance.now();
      while (!this.#isOver) {
        await write();
        const now = performance.now();
        this.#longestMs = Math.max(this.#longestMs, now - last);
        last = now;
      }
    })().finally(() => connection.close());
    this.#done.catch(() => undefined); // Told by `end`.
  }

  /** Resolves when a wait longer than this is over. */
  async waited(ms: number): Promise<void> {
    while (!this.#isOver && this.#longestMs < ms) await pause(10);
  }

  async end(): Promise<number> {
    this.#isOver = true;
    await this.#done;
    return this.#longestMs;
  }
}

export function failoverTable(results: readonly Failover[]): string {
  return layOut([
    ["fault", "times", "median", "worst"],
    ...results.map(({ fault, waitsMs }) => [
      fault,
      String(waitsMs.length),
      `${Math.round(middle(waitsMs))} ms`,
      `${Math.round(Math.max(...waitsMs))} ms`,
    ]),
  ]);
}
