// How many changes of members a leader works on at once is no peer's to decide.

import { expect, it } from "vitest";
import { adminRequestsMax } from "../../../src/constants.ts";
import { frameKind } from "../../../src/node/frames.ts";
import { ReplicaCluster, type VirtualNode } from "../../support/replica-cluster.ts";

it("a peer that asks ten thousand questions is listened to up to a limit, and the leader goes on", () => {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  const peer = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  // Nothing is committed any more, so no question can be answered.
  cluster.passes = () => false;
  const words = Buffer.from(
    JSON.stringify({ verb: "add", peer: "127.0.0.1:17009", client: "127.0.0.1:7009" }),
  );
  const number = Buffer.alloc(8);
  for (let asked = 1; asked <= 10_000; asked++) {
    number.writeUInt32LE(asked, 0);
    leader.replica.frame(peer.id, frameKind.admin, Buffer.concat([number, words]));
  }
  expect(leader.replica.membership.openRequests).toBe(adminRequestsMax);
});
