// INCR through one node that lives, while leader after leader is lost: not one error, not one too many.

import { Random } from "../../differential/random.ts";
import { connectTo } from "../clients/connection.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { pause } from "../cluster/until.ts";
import type { Fault } from "../faults/fault.ts";
import { layOut } from "./report.ts";

const incrementsMin = 100_000;
const changesMin = 20;
const clients = 16;
/** Longer than every election: the fault ends with another leader in place. */
const holdMs = 1_500;

export interface Increments {
  readonly acknowledged: number;
  readonly counter: number;
  readonly leaderChanges: number;
  readonly errors: readonly string[];
}

/** Goes on until there were enough of both: increments and lost leaders. */
export async function measureIncrements(
  faults: readonly Fault[],
  nodes: number,
  seed: number,
  progress: (line: string) => void,
): Promise<Increments> {
  const needs = [...new Set(faults.flatMap((fault) => fault.needs))];
  const cluster = await ChaosCluster.start(nodes, needs);
  const random = new Random(seed);
  try {
    const [through] = cluster.nodes;
    if (through === undefined) throw new Error("a cluster has a node");
    const counter = new Counter(through);
    const counted = counter.begin();
    let leaderChanges = 0;
    while (leaderChanges < changesMin || counter.acknowledged < incrementsMin) {
      if ((await cluster.leader()) === through) await giveAway(through);
      else {
        const fault = faults[leaderChanges % faults.length] as Fault;
        const trouble = await fault.start({ cluster, random });
        await pause(holdMs);
        await trouble.heal();
        await cluster.recovered();
        leaderChanges++;
      }
      progress(`${leaderChanges} leaders lost, ${counter.acknowledged} increments`);
    }
    counter.isOver = true;
    await counted;
    return {
      acknowledged: counter.acknowledged,
      counter: await counter.read(),
      leaderChanges,
      errors: counter.errors,
    };
  } finally {
    await cluster.dispose();
  }
}

async function giveAway(node: ChaosNode): Promise<void> {
  const connection = await connectTo("raw", node.address);
  await connection.ask(["RAFT", "TRANSFER"]);
  connection.close();
}

class Counter {
  acknowledged = 0;
  isOver = false;
  readonly errors: string[] = [];
  readonly #node: ChaosNode;

  constructor(node: ChaosNode) {
    this.#node = node;
  }

  async begin(): Promise<void> {
    await Promise.all(
      Array.from({ length: clients }, async () => {
        const connection = await connectTo("raw", this.#node.address);
        while (!this.isOver) {
          const answer = await connection.ask(["INCR", "increments"]);
          if (answer.type === "reply") this.acknowledged++;
          else this.errors.push(JSON.stringify(answer));
        }
        connection.close();
      }),
    );
  }

  async read(): Promise<number> {
    const connection = await connectTo("raw", this.#node.address);
    const answer = await connection.ask(["GET", "increments"]);
    connection.close();
    return answer.type === "reply" ? Number(answer.value) : Number.NaN;
  }
}

export function isExact({ acknowledged, counter, errors }: Increments): boolean {
  return counter === acknowledged && errors.length === 0;
}

export function incrementsTable(result: Increments): string {
  const { acknowledged, counter, leaderChanges, errors } = result;
  return layOut([
    ["leaders lost", "acknowledged", "counter", "errors"],
    [String(leaderChanges), String(acknowledged), String(counter), String(errors.length)],
  ]);
}
