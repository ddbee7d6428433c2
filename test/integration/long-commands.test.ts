// Commands that take longer than an election timeout, on real nodes: the leader keeps its term.

import { expect, onTestFinished, test } from "vitest";
import { electionTicksMin, tickMs } from "../../src/constants.ts";
import { type ClusterProcesses, raftStatus, startCluster } from "../support/process-cluster.ts";
import type { ServerProcess } from "../support/process-server.ts";
import type { RawClient } from "../support/raw-client.ts";

/** A leader that is silent for so long has a successor. */
const electionMs = 2 * electionTicksMin * tickMs;
const patienceMs = 30_000;

async function threeNodes(): Promise<{ cluster: ClusterProcesses; leader: ServerProcess }> {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.dispose());
  return { cluster, leader: await cluster.leader() };
}

async function connected(node: ServerProcess): Promise<RawClient> {
  const client = await node.connect();
  onTestFinished(() => client.close());
  return client;
}

/** Asks again and again until `isOver`; the replies. */
async function askUntil(isOver: () => boolean, ask: () => Promise<string>): Promise<string[]> {
  const replies: string[] = [];
  while (!isOver()) replies.push(await ask());
  return replies;
}

test("a leader that computes for seconds keeps its term, and the others take writes", async () => {
  const { cluster, leader } = await threeNodes();
  const before = await raftStatus(leader);
  const reader = await connected(leader);
  // As long as LCS takes them; no two bytes of them are equal, so its whole table is filled.
  await reader.ask("SET", "a", "a".repeat(4_090));
  await reader.ask("SET", "b", "b".repeat(4_090));
  // The first ones are slower: their code is not compiled yet.
  let onceMs = 0;
  for (let round = 0; round < 4; round++) {
    const onceAt = performance.now();
    expect(await reader.ask("LCS", "a", "b", "LEN")).toBe(":0\r\n");
    onceMs = performance.now() - onceAt;
  }
  const times = Math.ceil((3 * electionMs) / onceMs);

  const startedAt = performance.now();
  let isOver = false;
  reader.send(...Array.from({ length: times }, () => ["LCS", "a", "b", "LEN"]));
  const reads = reader.replies(times, patienceMs).finally(() => {
    isOver = true;
  });
  const writer = await connected(cluster.otherThan(leader));
  const written = await askUntil(
    () => isOver,
    () => writer.ask("SET", "c", "v"),
  );
  for (const reply of await reads) expect(reply.toString("latin1")).toBe(":0\r\n");

  expect(performance.now() - startedAt).toBeGreaterThan(electionMs);
  expect(new Set(written)).toEqual(new Set(["+OK\r\n"]));
  expect(written.length).toBeGreaterThan(10);
  expect((await raftStatus(leader))?.term).toBe(before?.term);
});

test("KEYS lets other clients of its node be served in between", async () => {
  const { leader } = await threeNodes();
  const keyCount = 100_000;
  const loader = await connected(leader);
  for (let from = 0; from < keyCount; from += 10_000) {
    const pairs = Array.from({ length: 10_000 }, (_, at) => [`key:${from + at}`, "v"]);
    expect(await loader.ask("MSET", ...pairs.flat())).toBe("+OK\r\n");
  }
  const before = await raftStatus(leader);
  const other = await connected(leader);
  let isOver = false;
  // A class that is long and has no byte of any key costs its whole length for each key.
  loader.send(["KEYS", `[${"x".repeat(2_000)}]*`]);
  const keys = loader.replies(1, patienceMs).finally(() => {
    isOver = true;
  });
  const pings = await askUntil(
    () => isOver,
    () => other.ask("PING"),
  );
  expect((await keys)[0]?.toString("latin1")).toBe("*0\r\n");
  // About one for each slice; in one piece it would let two or three through.
  expect(pings.length).toBeGreaterThan(10);
  expect((await raftStatus(leader))?.term).toBe(before?.term);
});

test("a write of many keys costs no leader its term, and nobody sees a part of it", async () => {
  const { cluster, leader } = await threeNodes();
  const keyCount = 500_000;
  const keys = Array.from({ length: keyCount }, (_, at) => `key:${at}`);
  const before = await raftStatus(leader);
  const writer = await connected(leader);
  const elsewhere = await connected(cluster.otherThan(leader));
  let isOver = false;
  writer.send(["MSET", ...keys.flatMap((key) => [key, "v"])], ["DEL", ...keys]);
  const writes = writer.replies(2, patienceMs).finally(() => {
    isOver = true;
  });
  const sizes = await askUntil(
    () => isOver,
    () => elsewhere.ask("DBSIZE"),
  );
  const replies = (await writes).map((reply) => reply.toString("latin1"));
  expect(replies).toEqual(["+OK\r\n", `:${keyCount}\r\n`]);
  // Each is one step: nobody ever sees a part of the keys.
  for (const size of new Set(sizes)) expect([":0\r\n", `:${keyCount}\r\n`]).toContain(size);
  expect((await raftStatus(leader))?.term).toBe(before?.term);
});
