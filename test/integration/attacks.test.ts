// Clients that ask for more than they read, or for very much at once: they are served or held, and others notice little.

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputBytesMax, repliesPauseBytes } from "../../src/constants.ts";
import { type ClusterProcesses, startCluster } from "../support/process-cluster.ts";
import { probeWhile } from "../support/process-probe.ts";
import type { ServerProcess } from "../support/process-server.ts";
import { encodeRequest, type RawClient } from "../support/raw-client.ts";

const MiB = 1024 * 1024;
const keys = 100_000;
const bigBytes = 16 * MiB;
/** Machines that run these tests are busy: an attack that works costs others many seconds. */
const patienceMs = 3_000;
/** What the replies of all clients may hold, and as much again for garbage and the work at hand. */
const memoryBytes = 3 * repliesPauseBytes;

async function fill(node: ServerProcess): Promise<void> {
  const client = await node.connect();
  for (let from = 0; from < keys; from += 1_000) {
    const pairs = Array.from({ length: 1_000 }, (_, at) => [`key:${from + at}`, "v"]);
    client.send(["MSET", ...pairs.flat()]);
  }
  client.send(["SET", "probe", "v"], ["SET", "big", "b".repeat(bigBytes)]);
  client.send(["SET", "medium", "m".repeat(MiB)]);
  await client.replies(keys / 1_000 + 3, 30_000);
  client.close();
}

/** Asks for all of it in one go, reads, and keeps nothing: bytes up to the end, or up to the server's close. */
function bytesOf(port: number, requests: string): Promise<number> {
  const last = "$12\r\nthat was all\r\n";
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let tail = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(requests + encodeRequest(["ECHO", "that was all"]));
    });
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      tail = (tail + chunk.subarray(-last.length).toString("latin1")).slice(-last.length);
      if (tail !== last) return;
      resolve(bytes - last.length);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(bytes));
  });
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function unread(node: ServerProcess, clients: number, requests: string): Promise<void> {
  const all: RawClient[] = [];
  for (let count = 0; count < clients; count++) {
    const client = await node.connect();
    client.pauseReading();
    client.write(requests);
    all.push(client);
  }
  await sleep(2_000);
  expect(await unreadBytes(node)).toBeLessThan(outputBytesMax);
  for (const client of all) client.close();
}

/** What the node says that it keeps for all its clients. */
async function unreadBytes(node: ServerProcess): Promise<number> {
  const client = await node.connect();
  const list = await client.ask("CLIENT", "LIST");
  client.close();
  return [...list.matchAll(/ omem=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Makes values of 64 MiB by one byte each, reads the replies, removes what came of it, and all of that 50 times. */
async function stretched(node: ServerProcess, keyOf: (n: number) => string): Promise<void> {
  const client = await node.connect();
  const names = Array.from({ length: 64 }, (_, n) => keyOf(n));
  for (let round = 0; round < 50; round++) {
    client.send(...names.map((key) => ["SETRANGE", key, "67108863", "x"]), ["DEL", ...names]);
    const replies = await client.replies(65, 20_000);
    expect(replies.slice(0, 64).map(String)).toEqual(Array(64).fill(":67108864\r\n"));
  }
  client.close();
}

async function longKeys(node: ServerProcess): Promise<void> {
  const client = await node.connect();
  const key = "k".repeat(bigBytes);
  client.send(["SET", key, "v"], ...Array.from({ length: 16 }, () => ["EXISTS", key]));
  client.send(["DEL", key]);
  const replies = await client.replies(18, 20_000);
  expect(replies.map(String)).toEqual(["+OK\r\n", ...Array(17).fill(":1\r\n")]);
  client.close();
}

/** Each is done to a node; what it promises beside that others are served. */
const attacks: readonly [string, (node: ServerProcess) => Promise<void>][] = [
  [
    "80 values of 16 MiB, read at once, arrive in full",
    async ({ port }) => {
      const bytes = await bytesOf(port, encodeRequest(["GET", "big"]).repeat(80));
      expect(bytes).toBe(80 * (`$${bigBytes}\r\n\r\n`.length + bigBytes));
    },
  ],
  [
    "all keys, asked for 30 times in one go, arrive 30 times",
    async ({ port }) => {
      const once = await bytesOf(port, encodeRequest(["KEYS", "*"]));
      expect(await bytesOf(port, encodeRequest(["KEYS", "*"]).repeat(30))).toBe(30 * once);
    },
  ],
  [
    "all keys, asked for 1,000 times and never read, are not kept",
    (node) => unread(node, 1, encodeRequest(["KEYS", "*"]).repeat(1_000)),
  ],
  [
    "200 clients that never read a value of 16 MiB keep no more than a limit",
    (node) => unread(node, 200, encodeRequest(["GET", "big"])),
  ],
  [
    "a value of 16 MiB that 40 writes return 40 times to nobody",
    (node) => unread(node, 1, encodeRequest(["GETEX", "big", "PERSIST"]).repeat(40)),
  ],
  [
    "a value that is read and changed 20 times arrives 20 times",
    async ({ port }) => {
      const bytes = await bytesOf(port, encodeRequest(["GETEX", "big", "PERSIST"]).repeat(20));
      expect(bytes).toBe(20 * (`$${bigBytes}\r\n\r\n`.length + bigBytes));
    },
  ],
  ["64 keys that one byte each makes 64 MiB long", (node) => stretched(node, (n) => `long:${n}`)],
  ["one key whose byte at 64 MiB is set 64 times", (node) => stretched(node, () => "long")],
  ["a key of 16 MiB, looked for 16 times", longKeys],
  [
    "a value of 1 MiB, asked for 200 times by one request",
    async ({ port }) => {
      const keys = Array<string>(200).fill("medium");
      const bytes = await bytesOf(port, encodeRequest(["MGET", ...keys]));
      expect(bytes).toBe("*200\r\n".length + 200 * (`$${MiB}\r\n\r\n`.length + MiB));
    },
  ],
];

describe.each([1, 3])("a cluster of %d", (size) => {
  let cluster: ClusterProcesses;
  beforeAll(async () => {
    cluster = await startCluster(size);
    await fill(await cluster.leader());
  }, 60_000);
  afterAll(() => cluster.dispose());

  test.each(attacks)(
    "%s",
    async (name, attack) => {
      const leader = await cluster.leader();
      const before = leader.residentBytes();
      const probe = await probeWhile(leader, () => attack(leader));
      process.stdout.write(`${size}, ${name}: ${probe.longestMs.toFixed(0)} ms\n`);
      expect(probe.answers).toBeGreaterThan(10);
      expect(probe.longestMs).toBeLessThan(patienceMs);
      expect(probe.residentBytesMax - before).toBeLessThan(memoryBytes);
      expect(await cluster.leader()).toBe(leader);
    },
    30_000,
  );
});
