// Three nodes: crashes, pauses and returns, seen by clients of the nodes that live.

import { describe, expect, onTestFinished, test } from "vitest";
import { type ClusterProcesses, raftStatus, startCluster } from "../support/process-cluster.ts";
import type { ServerProcess } from "../support/process-server.ts";
import { Writer } from "../support/process-writer.ts";
import { encodeRequest } from "../support/raw-client.ts";

async function threeNodes(): Promise<ClusterProcesses> {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.dispose());
  return cluster;
}

/** Waits until a node has applied as much as another one had when it was asked. */
async function caughtUp(node: ServerProcess, model: ServerProcess): Promise<void> {
  const goal = (await raftStatus(model))?.appliedIndex ?? Number.NaN;
  for (let attempt = 0; attempt < 400; attempt++) {
    if (((await raftStatus(node))?.appliedIndex ?? 0) >= goal) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the node did not reach entry ${goal}`);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("acknowledged writes survive kill -9", () => {
  test.each(["follower", "leader"])(
    "of the %s, and clients of another node see no error",
    async (who) => {
      const cluster = await threeNodes();
      const leader = await cluster.leader();
      const victim = who === "leader" ? leader : cluster.otherThan(leader);
      const served = cluster.otherThan(victim, leader);
      const writer = new Writer("w");
      const running = writer.run(served.port);
      await writer.reaches(1_000);
      await victim.kill();
      await writer.reaches(writer.count + 1_000);
      writer.stop();
      expect((await running).errors).toEqual([]);
      const returned = await cluster.restart(victim);
      await returned.takesWrites();
      for (const node of cluster.nodes) expect(await writer.missingOn(node.port)).toEqual([]);
    },
  );

  test("of all three at once", async () => {
    const cluster = await threeNodes();
    const writers = cluster.nodes.map((_, at) => new Writer(`w${at}`));
    const running = writers.map((writer, at) =>
      writer.run((cluster.nodes[at] as ServerProcess).port),
    );
    for (const writer of writers) await writer.reaches(500);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(running);
    for (const node of [...cluster.nodes]) await cluster.restart(node);
    for (const node of cluster.nodes) await node.takesWrites();
    for (const writer of writers) {
      for (const node of cluster.nodes) expect(await writer.missingOn(node.port)).toEqual([]);
    }
  });
});

test("a follower that was away catches up and can be counted on", async () => {
  const cluster = await threeNodes();
  const leader = await cluster.leader();
  const away = cluster.otherThan(leader);
  await away.kill();
  const writer = new Writer("w");
  const running = writer.run(leader.port);
  await writer.reaches(5_000);
  writer.stop();
  expect((await running).errors).toEqual([]);
  const returned = await cluster.restart(away);
  await returned.answers();
  await caughtUp(returned, leader);
  // Without the third node the returned one is half of the majority.
  await cluster.otherThan(leader, returned).kill();
  await returned.takesWrites();
  expect(await writer.missingOn(returned.port)).toEqual([]);
});

describe("a node alone in the minority acknowledges nothing and serves no read", () => {
  test.each(["leader", "follower"])("as the former %s", async (who) => {
    const cluster = await threeNodes();
    const leader = await cluster.leader();
    const alone = who === "leader" ? leader : cluster.otherThan(leader);
    const client = await alone.connect();
    expect(await client.ask("SET", "k", "before")).toBe("+OK\r\n");
    const others = cluster.nodes.filter((node) => node !== alone);
    for (const node of others) node.pause();
    client.send(["SET", "k", "alone"]);
    const reader = await alone.connect();
    reader.send(["GET", "k"]);
    await pause(3_000);
    for (const each of [client, reader]) {
      const reply = each.received.toString("latin1");
      expect(reply === "" || /^-(CLUSTERDOWN|UNKNOWN)/.test(reply), reply).toBe(true);
      each.close();
    }
    for (const node of others) node.resume();
    await alone.takesWrites();
    for (const node of cluster.nodes) await node.takesWrites();
  });
});

test("replies in a pipeline keep their order while the leader changes", async () => {
  const cluster = await threeNodes();
  const leader = await cluster.leader();
  const served = cluster.otherThan(leader);
  const client = await served.connect();
  const expected: string[] = [];
  const killed: Promise<unknown>[] = [];
  for (let n = 1; n <= 250; n++) {
    client.write(
      [
        encodeRequest(["INCR", "counter"]),
        encodeRequest(["GET", "counter"]),
        encodeRequest(["ECHO", `echo-${n}`]),
        encodeRequest(["SET", `order:${n}`, "v"]),
      ].join(""),
    );
    const digits = String(n);
    const echo = `echo-${n}`;
    expected.push(`:${digits}\r\n`, `$${digits.length}\r\n${digits}\r\n`);
    expected.push(`$${echo.length}\r\n${echo}\r\n`, "+OK\r\n");
    if (n === 100) killed.push(leader.kill());
    if (n % 50 === 0) await pause(20);
  }
  await Promise.all(killed);
  const replies = await client.replies(1_000, 20_000);
  expect(replies.map((reply) => reply.toString("latin1"))).toEqual(expected);
  client.close();
});

test("a leader that was paused does not serve an old value when it goes on", async () => {
  const cluster = await threeNodes();
  const old = await cluster.leader();
  const oldClient = await old.connect();
  expect(await oldClient.ask("SET", "k", "1")).toBe("+OK\r\n");
  old.pause();
  const other = cluster.otherThan(old);
  await other.takesWrites();
  const client = await other.connect();
  expect(await client.ask("SET", "k", "2")).toBe("+OK\r\n");
  oldClient.send(["GET", "k"]);
  old.resume();
  const [reply] = await oldClient.replies(1, 15_000);
  expect(reply?.toString("latin1")).toBe("$1\r\n2\r\n");
  client.close();
  oldClient.close();
});
