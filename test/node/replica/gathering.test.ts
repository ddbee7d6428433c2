// Who waits for others to share a batch or a round, and for how long.

import { describe, expect, it } from "vitest";
import { shareBytesMax, shareTurnsMax } from "../../../src/constants.ts";
import { frameKind } from "../../../src/node/frames.ts";
import { Gathering } from "../../../src/node/replica/gathering.ts";
import { ok } from "../../../src/resp/reply.ts";
import { ReplicaCluster, VirtualClient, type VirtualNode } from "../../support/replica-cluster.ts";

const small = 100;

/** How many turns what is collected waits. */
function turnsOf(gathering: Gathering, waiting: number, bytes = small): number {
  for (let turns = 0; ; turns++) if (gathering.mayLeave(waiting, bytes)) return turns;
}

describe("what is collected", () => {
  it("of one client never waits", () => {
    const gathering = new Gathering();
    for (let n = 0; n < 100; n++) expect(gathering.mayLeave(1, small)).toBe(true);
  });

  it("waits for those who sent something lately, and leaves when they all wait", () => {
    const gathering = new Gathering();
    gathering.mayLeave(50, small);
    expect([gathering.mayLeave(17, small), gathering.mayLeave(40, small)]).toEqual([false, false]);
    expect(gathering.mayLeave(50, small)).toBe(true);
  });

  it("waits a few turns at most, also when nobody comes", () => {
    const gathering = new Gathering();
    gathering.mayLeave(50, small);
    expect(turnsOf(gathering, 17)).toBe(shareTurnsMax);
    expect(turnsOf(gathering, 17)).toBe(shareTurnsMax);
  });

  it("leaves at once when it is large", () => {
    const gathering = new Gathering();
    gathering.mayLeave(50, small);
    expect(gathering.mayLeave(17, shareBytesMax)).toBe(true);
  });

  it("soon waits no more for those who have gone", () => {
    const gathering = new Gathering();
    gathering.mayLeave(50, small);
    let waits = 0;
    while (turnsOf(gathering, 1) > 0) waits += 1;
    expect(waits).toBeLessThan(40);
  });
});

describe("clients of one node", () => {
  function followerOf(cluster: ReplicaCluster): VirtualNode {
    const leader = cluster.elect();
    cluster.settle();
    return cluster.nodes.find((node) => node !== leader) as VirtualNode;
  }

  it("who answer each other's pace share batches and read indexes", () => {
    const cluster = new ReplicaCluster(3);
    const follower = followerOf(cluster);
    const clients = Array.from({ length: 50 }, () => new VirtualClient(follower));
    const sent = { writes: 0, reads: 0 };
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.forward) sent.writes += 1;
      if (kind === frameKind.readIndex) sent.reads += 1;
      return true;
    };
    for (const client of clients) client.send("SET", "key", "v");
    cluster.settle();
    for (const client of clients) client.send("GET", "key");
    cluster.settle();
    expect(sent).toEqual({ writes: 1, reads: 1 });
    // Now they come in four turns.
    for (const command of ["SET", "GET"]) {
      clients.forEach((client, n) => {
        client.send(command, "key", ...(command === "SET" ? ["v"] : []));
        if (n % 13 === 12) cluster.step();
      });
      cluster.settle();
    }
    expect(sent).toEqual({ writes: 2, reads: 2 });
    expect(clients[49]?.replies).toEqual([ok, "v", ok, "v"]);
  });

  it("lose no time when there is one of them", () => {
    const cluster = new ReplicaCluster(3);
    const client = new VirtualClient(followerOf(cluster));
    let forwards = 0;
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.forward) forwards += 1;
      return true;
    };
    for (let n = 1; n <= 10; n++) {
      client.send("SET", "key", "v");
      cluster.step();
      expect(forwards).toBe(n);
      cluster.settle();
    }
  });
});
