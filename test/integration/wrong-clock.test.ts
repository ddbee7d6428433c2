// Three processes, one with a clock that is an hour ahead: keys expire in time, and it does not go on leading.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeClock, faketimeLibrary } from "../chaos/machine/fake-clock.ts";
import { type ClusterProcesses, raftStatus, startCluster } from "../support/process-cluster.ts";
import type { ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import type { RawClient } from "../support/raw-client.ts";

const hourSeconds = 3_600;
const ttlMs = 500;

async function threeNodes(): Promise<{ cluster: ClusterProcesses; clock: FakeClock }> {
  const library = faketimeLibrary();
  if (library === null) throw new Error("faketime is installed without its library");
  const dir = await mkdtemp(join(tmpdir(), "kvorum-clock-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = new FakeClock(library, join(dir, "clock"));
  const cluster = await startCluster(3, { environments: [{}, clock.environment] });
  onTestFinished(() => cluster.dispose());
  return { cluster, clock };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`within 10 s: ${what}`);
}

const leads = async (node: ServerProcess): Promise<boolean> =>
  (await raftStatus(node))?.role === "leader";

/** Hands leadership to node 2, which its cluster takes back when its clock is wrong. */
async function makeLead(cluster: ClusterProcesses, node: ServerProcess): Promise<void> {
  await until("the second node leads", async () => {
    const leader = await cluster.leader();
    if (leader === node) return true;
    const client = await leader.connect();
    await client.ask("RAFT", "TRANSFER", "2");
    client.close();
    return await leads(node);
  });
}

/** Milliseconds from the acknowledged write to the first read that finds nothing. */
async function lifeOfKey(client: RawClient): Promise<number> {
  expect(await client.ask("SET", "k", "v", "PX", String(ttlMs))).toBe("+OK\r\n");
  const began = performance.now();
  while ((await client.ask("GET", "k")) !== "$-1\r\n") {
    if (performance.now() - began > 5_000) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - began;
}

describe.skipIf(!requireTool("faketime"))("a node whose clock is an hour ahead", () => {
  test("leads, writes, hands back and is named; PX 500 is gone after 500 to 700 ms", async () => {
    const { cluster, clock } = await threeNodes();
    const [, wrong, other] = cluster.nodes as [ServerProcess, ServerProcess, ServerProcess];
    await makeLead(cluster, wrong);
    clock.shift(hourSeconds);
    const writer = await wrong.connect();
    for (const key of ["a", "b", "c"]) {
      expect(await writer.ask("SET", key, "v")).toBe("+OK\r\n");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    writer.close();
    await until("the wrong node leads no more", async () => !(await leads(wrong)));

    const client = await other.connect();
    for (let round = 0; round < 3; round++) {
      const lifeMs = await lifeOfKey(client);
      expect(lifeMs).toBeGreaterThan(ttlMs / 1.05 - 20);
      expect(lifeMs).toBeLessThan(700);
    }
    const status = await client.ask("RAFT", "STATUS");
    const offsets = [...status.matchAll(/clock-offset-ms\r\n:(-?\d+)\r\n/g)].map(([, ms]) =>
      Number(ms),
    );
    expect(offsets.map((ms) => Math.abs(Math.round(ms / 1_000)))).toEqual([0, hourSeconds, 0]);
    client.close();
    for (const node of cluster.nodes) {
      expect(node.log).toMatch(/the clock of (this node \(2\)|node 2) is 3\d{3}\.\d s ahead/);
    }
  });
});
