// Links that carry nothing: in both directions, in one, between groups, on and off. Connections stay open.

import type { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { pause } from "../cluster/until.ts";
import type { Fault, Scene } from "./fault.ts";
import { repeatedly } from "./repeat.ts";
import { aFollower, aMinority, shuffled, type Target, theLeader } from "./targets.ts";

/** One direction. */
type Link = readonly [from: ChaosNode, to: ChaosNode];

interface Cut {
  readonly links: readonly Link[];
  readonly victims: readonly ChaosNode[];
}

const partition = (
  name: string,
  summary: string,
  choose: (scene: Scene) => Promise<Cut>,
  nodesMin = 3,
): Fault => ({
  name,
  family: "partition",
  summary,
  needs: ["namespaces"],
  nodesMin,
  async start(scene) {
    const { links, victims } = await choose(scene);
    await cutAll(scene.cluster, links);
    return { victims, heal: () => mendAll(scene.cluster, links) };
  },
});

/** The victims cannot be heard by the others, cannot hear them, or both. */
const isolation =
  (target: Target, direction: "in" | "out" | "both") =>
  async (scene: Scene): Promise<Cut> => {
    const victims = await target(scene);
    const others = scene.cluster.nodes.filter((node) => !victims.includes(node));
    return { victims, links: between(victims, others, direction) };
  };

/** Two halves that do not see each other, and one node that both see. */
async function bridge({ cluster, random }: Scene): Promise<Cut> {
  const [, ...rest] = shuffled(cluster.nodes, random);
  const half = Math.floor(rest.length / 2);
  return { victims: [], links: between(rest.slice(0, half), rest.slice(half), "both") };
}

/** Each node sees a majority, and no two see the same one. */
async function ring({ cluster: { nodes }, random }: Scene): Promise<Cut> {
  const order = shuffled(nodes, random);
  const reach = Math.floor(nodes.length / 2) / 2;
  const links = order.flatMap((from, here) =>
    order.flatMap((to, there): Link[] => {
      const steps = Math.abs(here - there);
      return Math.min(steps, order.length - steps) > reach ? [[from, to]] : [];
    }),
  );
  return { victims: [], links };
}

const flapMs: readonly [low: number, high: number] = [50, 600];

const flappingLeader: Fault = {
  name: "flapping-leader",
  family: "partition",
  summary: `the leader is cut off and connected again every ${flapMs.join(" to ")} ms`,
  needs: ["namespaces"],
  async start(scene) {
    const { cluster, random } = scene;
    const { links, victims } = await isolation(theLeader, "both")(scene);
    const end = repeatedly(async () => {
      await cutAll(cluster, links);
      await pause(random.between(...flapMs));
      await mendAll(cluster, links);
      await pause(random.between(...flapMs));
    });
    return { victims, heal: end };
  },
};

function between(
  some: readonly ChaosNode[],
  others: readonly ChaosNode[],
  direction: "in" | "out" | "both",
): Link[] {
  const links: Link[] = [];
  for (const one of some) {
    for (const other of others) {
      if (direction !== "in") links.push([one, other]);
      if (direction !== "out") links.push([other, one]);
    }
  }
  return links;
}

async function cutAll({ network }: ChaosCluster, links: readonly Link[]): Promise<void> {
  await Promise.all(links.map(([from, to]) => network.cut(from.slot, to.slot)));
}

async function mendAll({ network }: ChaosCluster, links: readonly Link[]): Promise<void> {
  await Promise.all(links.map(([from, to]) => network.mend(from.slot, to.slot)));
}

export const partitionFaults: readonly Fault[] = [
  partition("isolate-follower", "a follower is cut off", isolation(aFollower, "both")),
  partition("isolate-leader", "the leader is cut off", isolation(theLeader, "both")),
  partition("split", "a minority is cut off from the majority", isolation(aMinority, "both")),
  partition("deafen-leader", "the leader hears nobody, all hear it", isolation(theLeader, "in")),
  partition("mute-leader", "nobody hears the leader, it hears all", isolation(theLeader, "out")),
  partition("bridge", "two parts do not see each other, both see one node", bridge),
  partition("ring", "each node sees a majority, no two see the same one", ring, 5),
  flappingLeader,
];
