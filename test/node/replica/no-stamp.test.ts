// A leader that does not know the time yet orders nothing, and is not sent everything again meanwhile.

import { expect, it } from "vitest";
import { frameKind } from "../../../src/node/frames.ts";
import { ReplicaCluster, VirtualClient, type VirtualNode } from "../../support/replica-cluster.ts";

it("a peer waits until its leader can stamp, and sends its window once", () => {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  const other = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  let forwarded = 0;
  let isDeaf = true;
  // The leader's wall clock is put forward, and no word about other clocks reaches it.
  cluster.passes = ({ kind, to, body }) => {
    if (kind === frameKind.forward) forwarded += body.length;
    return !(isDeaf && kind === frameKind.clock && to === leader.id);
  };
  leader.wallOffsetMs += 5_000;
  cluster.run(100);
  const client = new VirtualClient(other);
  const value = "x".repeat(900_000);
  for (let each = 0; each < 8; each++) {
    client.send("SET", `k${each}`, value);
    cluster.step();
  }
  cluster.run(3_000);
  expect(client.replies).toEqual([]);
  expect(forwarded).toBeLessThan(3 * 8 * value.length);
  isDeaf = false;
  cluster.run(3_000);
  expect(client.replies).toHaveLength(8);
});
