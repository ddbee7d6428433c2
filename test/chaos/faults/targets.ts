// Whom a fault meets.

import type { ChaosNode } from "../cluster/node.ts";
import type { Scene } from "./fault.ts";

export type Target = (scene: Scene) => Promise<readonly ChaosNode[]>;

export const theLeader: Target = async ({ cluster }) => [await cluster.leader()];

export const anyOne: Target = ({ cluster, random }) =>
  Promise.resolve([random.pick(cluster.nodes)]);

export const aFollower: Target = async ({ cluster, random }) => {
  const leader = await cluster.leader();
  return [random.pick(cluster.nodes.filter((node) => node !== leader))];
};

/** The smallest majority, whoever leads. */
export const aMajority: Target = ({ cluster: { nodes }, random }) =>
  Promise.resolve(shuffled(nodes, random).slice(0, Math.floor(nodes.length / 2) + 1));

/** The largest minority. */
export const aMinority: Target = ({ cluster: { nodes }, random }) =>
  Promise.resolve(shuffled(nodes, random).slice(0, Math.ceil(nodes.length / 2) - 1));

export const everyNode: Target = ({ cluster }) => Promise.resolve(cluster.nodes);

/** Fisher and Yates. */
export function shuffled<Item>(items: readonly Item[], random: Scene["random"]): Item[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.between(0, at);
    [order[at], order[other]] = [order[other] as Item, order[at] as Item];
  }
  return order;
}
