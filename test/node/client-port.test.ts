// The port for clients of a node that has not loaded its data yet, and that then has.

import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { ClientPort } from "../../src/node/client-port.ts";
import { loadConfig } from "../../src/node/config/config.ts";
import type { OptionName } from "../../src/node/config/config-options.ts";
import { RuntimeConfig } from "../../src/node/config/config-runtime.ts";
import { createMachine } from "../../src/node/create-machine.ts";
import { Loading } from "../../src/node/loading.ts";
import type { Service } from "../../src/node/service.ts";
import { StartingRaft } from "../../src/node/starting-raft.ts";
import { asNode } from "../../src/raft/core/types.ts";
import { RawClient } from "../support/raw-client.ts";

const refusal = "-LOADING kvorum is loading the dataset in memory\r\n";
const identity = { clusterId: "c".repeat(32), nodeId: asNode(3) };

async function openPort() {
  const flags = new Map<OptionName, readonly string[]>([
    ["port", ["0"]],
    ["bind", ["127.0.0.1"]],
    ["enable-debug-command", ["yes"]],
  ]);
  const runtime = new RuntimeConfig(loadConfig({ flags, environment: {}, openFiles: null }));
  const loading = new Loading(Date.now());
  let shutdowns = 0;
  const hooks = { logger: createLogger("silent"), onShutdown: () => void shutdowns++ };
  const port = new ClientPort({ runtime, hooks, identity, machine: createMachine(), loading });
  await port.listen();
  onTestFinished(() => port.close(100));
  const client = async (): Promise<RawClient> => {
    const connected = await RawClient.connect(runtime.current.port);
    onTestFinished(() => connected.close());
    return connected;
  };
  return { port, loading, runtime, client, shutdowns: () => shutdowns };
}

/** What a node does that has its data: every read finds nothing. */
function emptyNode(port: ClientPort): Service & { readonly isExpiryActive: boolean } {
  const service = {
    isExpiryActive: true,
    isFull: false,
    refusesWrite: () => null,
    raft: new StartingRaft(identity),
    checkpointer: { isRunning: false, lastSeconds: 5, changes: 0 } as Service["checkpointer"],
    write: () => {},
    read: ((waiter) => waiter.reply(null)) as Service["read"],
    setActiveExpiry: (active: boolean) => {
      service.isExpiryActive = active;
    },
    wake: () => void setImmediate(() => port.flush()),
  };
  return service;
}

describe("while the data is loaded", () => {
  test("requests for data are refused and all others answered, in the order in which they came", async () => {
    const { client } = await openPort();
    const one = await client();
    one.send(["PING"], ["ECHO", "a"], ["GET", "k"], ["SELECT", "1"], ["SET", "k", "v"], ["NOPE"]);
    expect((await one.replies(6)).map(String)).toEqual([
      refusal,
      "$1\r\na\r\n",
      refusal,
      "+OK\r\n",
      refusal,
      "-ERR unknown command 'NOPE', with args beginning with: \r\n",
    ]);
  });

  test("INFO tells how far it is, and which cluster the node belongs to", async () => {
    const { client, loading } = await openPort();
    loading.expect("reading the checkpoint", 400);
    loading.reach(0.25);
    const info = await (await client()).ask("INFO", "everything");
    expect(info).toContain("\r\nloading:1\r\n");
    expect(info).toContain("\r\nloading_total_bytes:400\r\n");
    expect(info).toContain("\r\nloading_loaded_bytes:100\r\n");
    expect(info).toContain("\r\nloading_loaded_perc:25.00\r\n");
    expect(info).toContain(`\r\nraft_cluster_id:${identity.clusterId}\r\nraft_node_id:3\r\n`);
  });

  test("INFO tells a peak of memory that passed between two looks", async () => {
    const { client, port } = await openPort();
    const one = await client();
    const { heapUsed, external, ...rest } = process.memoryUsage();
    const spy = vi.spyOn(process, "memoryUsage");
    onTestFinished(() => spy.mockRestore());
    const gone = 2 ** 40;
    spy.mockReturnValueOnce({ ...rest, heapUsed, external: external + gone });
    port.sample(1);
    const info = await one.ask("INFO", "memory");
    expect(Number(/used_memory:(\d+)/.exec(info)?.[1])).toBeLessThan(gone);
    expect(info).toContain(`\r\nused_memory_peak:${heapUsed + external + gone}\r\n`);
  });

  test("refusals are counted as refusals", async () => {
    const { client } = await openPort();
    const one = await client();
    for (let asked = 0; asked < 3; asked++) expect(await one.ask("PING")).toBe(refusal);
    const info = await one.ask("INFO", "commandstats", "errorstats");
    expect(info).toContain("cmdstat_ping:calls=0,rejected_calls=3,failed_calls=0\r\n");
    expect(info).toContain("errorstat_LOADING:count=3\r\n");
  });

  test("SHUTDOWN ends the start, and SAVE before it has nothing to write", async () => {
    const { client, shutdowns } = await openPort();
    (await client()).send(["SHUTDOWN", "SAVE"], ["ECHO", "a"]);
    await expect.poll(shutdowns).toBe(1);
  });

  test("CONFIG SET, CLIENT PAUSE and UNPAUSE work", async () => {
    const { client, runtime } = await openPort();
    const [one, other] = [await client(), await client()];
    expect(await one.ask("CONFIG", "SET", "timeout", "77")).toBe("+OK\r\n");
    expect(await one.ask("CONFIG", "GET", "timeout")).toBe("*2\r\n$7\r\ntimeout\r\n$2\r\n77\r\n");
    expect(runtime.current.port).toBeGreaterThan(0);
    expect(await one.ask("CLIENT", "PAUSE", "60000")).toBe("+OK\r\n");
    other.send(["ECHO", "held"]);
    expect(await one.ask("CLIENT", "UNPAUSE")).toBe("+OK\r\n");
    expect(String((await other.replies(1))[0])).toBe("$4\r\nheld\r\n");
  });
});

describe("when the data is there", () => {
  test("the same connections are served", async () => {
    const { port, loading, client } = await openPort();
    const one = await client();
    expect(await one.ask("GET", "k")).toBe(refusal);
    port.serve(emptyNode(port));
    expect(await one.ask("GET", "k")).toBe(refusal); // Its log is still applied.
    loading.end();
    expect(await one.ask("GET", "k")).toBe("$-1\r\n");
    expect(await one.ask("INFO", "persistence")).not.toContain("loading_");
  });

  test("ioredis, which had connected before, becomes ready by itself", async () => {
    const { port, loading, runtime } = await openPort();
    const redis = new Redis(runtime.current.port, { maxLoadingRetryTime: 20 });
    onTestFinished(() => redis.disconnect());
    const statuses: string[] = [];
    for (const event of ["connect", "ready", "close"]) redis.on(event, () => statuses.push(event));
    const value = redis.get("k"); // Waits until the client is ready.
    await expect.poll(() => port.stats.commands.get("info")?.calls ?? 0).toBeGreaterThan(2);
    expect(statuses).toEqual(["connect"]);
    port.serve(emptyNode(port));
    loading.end();
    expect(await value).toBeNull();
    expect(statuses).toEqual(["connect", "ready"]);
  });

  test("DEBUG SET-ACTIVE-EXPIRE from before still holds", async () => {
    const { port, client } = await openPort();
    expect(await (await client()).ask("DEBUG", "SET-ACTIVE-EXPIRE", "0")).toBe("+OK\r\n");
    const node = emptyNode(port);
    port.serve(node);
    expect(node.isExpiryActive).toBe(false);
  });
});
