// Real processes at maxmemory: what is refused, what is evicted, and which settings all nodes share.

import { expect, onTestFinished, test } from "vitest";
import { startOracle } from "../support/oracle.ts";
import { startCluster } from "../support/process-cluster.ts";
import { ServerProcess } from "../support/process-server.ts";
import { RawClient } from "../support/raw-client.ts";

const MiB = 1024 * 1024;
const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/** A value of INFO. */
async function info(client: RawClient, field: string): Promise<string> {
  const text = await client.ask("INFO");
  return new RegExp(`\r\n${field}:([^\r]*)`).exec(text)?.[1] ?? "";
}

test("allkeys-lru: 100 MB of writes into 20 MB are never refused, and keys in use stay", async () => {
  const args = ["--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru"];
  const server = await ServerProcess.start({ args });
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  const hot = Array.from({ length: 100 }, (_, n) => `hot:${n}`);
  const value = "x".repeat(1_000);
  for (const key of hot) expect(await client.ask("SET", key, value)).toBe("+OK\r\n");
  for (let round = 0; round < 1_000; round++) {
    for (let n = 0; n < 100; n++) client.send(["SET", `cold:${round}:${n}`, value]);
    for (const reply of await client.replies(100)) expect(reply.toString()).toBe("+OK\r\n");
    if (round % 20 === 0) expect(await client.ask("TOUCH", ...hot)).toMatch(/^:\d+\r\n$/);
  }
  expect(Number((await client.ask("EXISTS", ...hot)).slice(1))).toBeGreaterThan(95);
  const keys = Number((await client.ask("DBSIZE")).slice(1));
  expect(keys * 1_000).toBeLessThan(20 * MiB);
  expect(keys * 1_000).toBeGreaterThan(10 * MiB);
  expect(Number(await info(client, "evicted_keys"))).toBe(100_100 - keys);
  expect(await info(client, "maxmemory_policy")).toBe("allkeys-lru");
  client.close();
});

test("noeviction: a full node refuses what needs memory, and goes on when keys were deleted", async () => {
  const server = await ServerProcess.start({ args: ["--maxmemory", "1mb"] });
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  const value = "x".repeat(100_000);
  const replies: string[] = [];
  for (let n = 0; n < 15; n++) replies.push(await client.ask("SET", `key:${n}`, value));
  expect(replies.slice(0, 11)).toEqual(Array(11).fill("+OK\r\n"));
  expect(replies.slice(11)).toEqual(Array(4).fill(oom));
  expect(await client.ask("APPEND", "key:0", "x")).toBe(oom);
  expect(await client.ask("EXPIRE", "key:0", "1000")).toBe(":1\r\n");
  expect((await client.ask("GET", "key:1")).length).toBeGreaterThan(100_000);
  expect(await client.ask("DEL", "key:0", "key:1")).toBe(":2\r\n");
  expect(await client.ask("SET", "key:0", "again")).toBe("+OK\r\n");
  client.close();
});

test("three nodes: CONFIG SET on a follower reaches all, and a restart keeps it", async () => {
  const cluster = await startCluster(3);
  onTestFinished(() => cluster.dispose());
  const leader = await cluster.leader();
  const follower = cluster.otherThan(leader);
  const client = await follower.connect();
  expect(await client.ask("CONFIG", "SET", "maxmemory", "64mb", "timeout", "1000")).toBe("+OK\r\n");
  client.close();
  for (let at = 0; at < 3; at++) {
    const before = cluster.nodes[at] as ServerProcess;
    await before.stop();
    const again = await before.restart({ args: ["--maxmemory", "1gb"] });
    cluster.nodes[at] = again;
    await again.takesWrites();
    const there = await again.connect();
    await expect
      .poll(() => there.ask("CONFIG", "GET", "maxmemory"), { timeout: 5_000 })
      .toBe("*2\r\n$9\r\nmaxmemory\r\n$8\r\n67108864\r\n");
    there.close();
    await expect
      .poll(() => again.log, { timeout: 5_000 })
      .toContain("CONFIG SET maxmemory 1073741824");
    expect(again.log).toContain("maxmemory is 67108864 (64.00M), maxmemory-policy is noeviction");
  }
});

test("replies and errors about memory are those of redis-server", async () => {
  const oracle = await startOracle();
  onTestFinished(() => oracle.stop());
  const server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const [redis, kvorum] = [await RawClient.connect(oracle.port), await server.connect()];
  const session = `
    config set maxmemory abc
    config set maxmemory -1
    config set maxmemory 1gbx
    config set maxmemory 0.5gb
    config set maxmemory 10tb
    config set maxmemory 100mb
    config get maxmemory
    config set maxmemory 1k
    config get MaxMemory
    config set maxmemory-policy foo
    config set maxmemory-policy AllKeys-LRU
    config get maxmemory-p*
    config set maxmemory 1mb maxmemory-policy foo
    config set maxmemory-policy foo maxclients 0
    config set maxclients 0 maxmemory-policy foo
    config set maxmemory 5 databases 3
    config set maxmemory 5 maxmemory 6
    config set maxmemory 5 nosuch 6
    config get maxmemory
    config set maxmemory-samples 0
    config set maxmemory-samples x
    config set maxmemory-samples 10
    config set maxmemory-eviction-tenacity 101
    config set lfu-log-factor -1
    config set lfu-decay-time -1
    config get lfu-log-factor
    config get lfu-decay-time
    config get maxmemory-samples
    config set maxmemory 0
    set k v
    object freq k
    object idletime k
    object freq nokey
    object idletime nokey
    config set maxmemory-policy allkeys-lfu
    object idletime k
    object idletime nokey
    set n v
    object freq n
    exists n
    type n
    ttl n
    object encoding n
    object freq n
    get n
    object freq n
    config set maxmemory-policy volatile-lfu
    object idletime n
    config set maxmemory-policy noeviction maxmemory 1
    set k v
    incr c
    append k v
    mset a 1 b 2
    getset k v
    setrange k 1 a
    copy k k2
    rename k k3
    expire k3 100
    persist k3
    getdel n
    get k3
    del k3
    config set maxmemory 0
    set k v
  `;
  for (const line of session.trim().split("\n")) {
    const words = line.trim().split(" ");
    const reply = await kvorum.ask(...words);
    expect(`${line.trim()}: ${reply}`).toBe(`${line.trim()}: ${await redis.ask(...words)}`);
  }
  redis.close();
  kvorum.close();
});
