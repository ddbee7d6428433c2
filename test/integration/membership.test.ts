// Members come, go, move and are replaced while clients work: real processes, real directories.

import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { askStatus, type StatusReply } from "../../src/cli/status-reply.ts";
import { ask } from "../../src/net/resp-client.ts";
import { ErrorReply, ok, type Reply } from "../../src/resp/reply.ts";
import { type ClusterProcesses, startCluster } from "../support/process-cluster.ts";
import { peerPortOffset, sparePort } from "../support/process-ports.ts";
import { mainJs, ServerProcess } from "../support/process-server.ts";

const target = (node: { readonly port: number }) => ({ host: "127.0.0.1", port: node.port });

/** The reply to a command at a node, errors included. */
function say(node: ServerProcess, ...words: readonly string[]): Promise<Reply> {
  return ask({ target: target(node), password: "", words, timeoutMs: 20_000 });
}

async function refusal(node: ServerProcess, ...words: readonly string[]): Promise<string> {
  const reply = await say(node, ...words);
  return reply instanceof ErrorReply ? reply.text : `no error: ${JSON.stringify(reply)}`;
}

function statusOf(node: ServerProcess): Promise<StatusReply> {
  return askStatus({ ...target(node), password: "" });
}

async function idOf(node: ServerProcess): Promise<number> {
  return Number((await statusOf(node)).fields.get("node-id"));
}

/** Addresses for clients of those who vote, as a node knows them. */
async function votersOn(node: ServerProcess): Promise<string[]> {
  const { members } = await statusOf(node);
  const voters = members.filter((member) => member.get("role") !== "learner");
  return voters.map((member) => String(member.get("client-address"))).sort();
}

const addressesOf = (nodes: readonly ServerProcess[]) =>
  nodes.map(({ port }) => `127.0.0.1:${port}`).sort();

async function eventually(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${what}: not within 20 s`);
}

async function voteTogether(nodes: readonly ServerProcess[], on = nodes[0]): Promise<void> {
  const expected = JSON.stringify(addressesOf(nodes));
  if (on === undefined) throw new Error("nobody to ask");
  await eventually(
    async () => JSON.stringify(await votersOn(on).catch(() => [])) === expected,
    `voters ${expected}`,
  );
}

async function cluster(size: number): Promise<ClusterProcesses> {
  const started = await startCluster(size);
  onTestFinished(() => started.dispose());
  return started;
}

async function launched(options: Parameters<typeof ServerProcess.launch>[0]) {
  const node = await ServerProcess.launch(options);
  onTestFinished(() => node.dispose());
  return node;
}

function empty(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** One INCR after the other, until it is told to stop. */
class Counter {
  readonly errors: string[] = [];
  acknowledged = 0;
  readonly #redis: Redis;
  readonly #running: Promise<void>;
  #stopping = false;

  constructor(port: number) {
    this.#redis = new Redis(port, "127.0.0.1", { autoResendUnfulfilledCommands: false });
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#redis.incr("counter");
        this.acknowledged += 1;
      } catch (error) {
        this.errors.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** The counter as the server has it. */
  async stop(): Promise<number> {
    this.#stopping = true;
    await this.#running;
    const value = Number(await this.#redis.get("counter"));
    this.#redis.disconnect();
    return value;
  }
}

test("a cluster grows from one node to seven and shrinks to one, and a client of it sees nothing", async () => {
  const stays = await launched({});
  await stays.takesWrites();
  const counter = new Counter(stays.port);
  const joined: ServerProcess[] = [];
  while (joined.length < 6) {
    joined.push(await launched({ join: stays.port }));
    await voteTogether([stays, ...joined]);
  }
  expect(await refusal(stays, "RAFT", "ADD", "127.0.0.1:1", "127.0.0.1:2")).toBe(
    "ERR a cluster has at most 7 members: RAFT REMOVE one of them first",
  );

  const left = [...joined];
  for (const [round, node] of joined.entries()) {
    const id = await idOf(node);
    // Every other time the one that goes leads, and it is asked itself, or the one that stays.
    if (round % 2 === 0) expect(await say(stays, "RAFT", "TRANSFER", String(id))).toEqual(ok);
    const asked = round % 4 === 0 ? node : stays;
    expect(await say(asked, "RAFT", "REMOVE", String(id)), `round ${round}`).toEqual(ok);
    left.shift();
    await voteTogether([stays, ...left]);
    await eventually(() => node.log.includes("was removed from the cluster"), `node ${id} says so`);
    if (round % 2 === 1) await node.kill();
  }
  expect(await refusal(stays, "RAFT", "REMOVE", "1")).toMatch(/^ERR node 1 is the only voter/);
  const before = counter.acknowledged;
  await eventually(() => counter.acknowledged > before, "the last node serves");
  const value = await counter.stop();
  expect(counter.errors).toEqual([]);
  expect(value).toBe(counter.acknowledged);
  expect(value).toBeGreaterThan(200);
});

describe("a removed node", () => {
  test("tells its clients where they stand, then and when it is started again", async () => {
    const { nodes } = await cluster(3);
    const [first, second, gone] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    const client = await gone.connect();
    expect(await client.ask("SET", "k", "v")).toBe("+OK\r\n");
    const id = await idOf(gone);
    expect(await say(second, "RAFT", "REMOVE", String(id))).toEqual(ok);
    await eventually(() => gone.log.includes(`node ${id} was removed from the cluster`), "a line");
    const words = /^-CLUSTERDOWN This node was removed from the cluster: connect to another node/;
    expect(await client.ask("GET", "k")).toMatch(words);
    expect(await client.ask("SET", "k", "w")).toMatch(words);
    expect(await client.ask("PING")).toBe("+PONG\r\n");
    client.close();
    expect((await statusOf(gone)).fields.get("role")).toBe("removed");
    expect((await gone.stop()).code).toBe(0);
    const again = await gone.restart();
    onTestFinished(() => again.dispose());
    await eventually(() => again.log.includes("was removed from the cluster"), "a line again");
    expect(await refusal(again, "SET", "k", "w")).toMatch(/^CLUSTERDOWN This node was removed/);
    // Two are left, and the third's vote is worth nothing.
    await second.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await statusOf(first)).fields.get("leader")).toBe(0);
    expect((await statusOf(again)).fields.get("role")).toBe("removed");
  });

  test("that was dead meanwhile is told as soon as it is back", async () => {
    const { nodes } = await cluster(3);
    const [first, , gone] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    const id = await idOf(gone);
    await gone.kill();
    expect(await say(first, "RAFT", "REMOVE", String(id))).toEqual(ok);
    const again = await gone.restart();
    onTestFinished(() => again.dispose());
    await eventually(
      () => again.log.includes(`node ${id} was removed from the cluster`),
      "it says so",
    );
    expect((await statusOf(again)).fields.get("role")).toBe("removed");
    await first.takesWrites();
  });
});

describe("a directory that was wiped", () => {
  test("does not get its node's id again; after RAFT REMOVE it becomes a new member", async () => {
    const { nodes } = await cluster(3);
    const [first, , wiped] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    const id = await idOf(wiped);
    await wiped.kill();
    empty(wiped.dir);
    const refused = await launched({ dir: wiped.dir, port: wiped.port, join: first.port });
    await eventually(() => !refused.running, "the node ends");
    expect((await refused.exited).code).toBe(1);
    expect(refused.log).toContain(`is member ${id} already`);
    expect(refused.log).toContain(`If its data is gone: RAFT REMOVE ${id} first`);
    expect(await say(first, "RAFT", "REMOVE", String(id))).toEqual(ok);
    const joined = await launched({ dir: wiped.dir, port: wiped.port, join: first.port });
    await joined.takesWrites();
    expect(await idOf(joined)).toBe(id + 1);
  });

  test("before its node's first start is not its node's directory any more", async () => {
    const { nodes } = await cluster(1);
    const [first] = nodes as [ServerProcess];
    const port = await sparePort();
    const words = [`127.0.0.1:${port}`, `127.0.0.1:${port + peerPortOffset}`, "0".repeat(32)];
    expect(await say(first, "RAFT", "ADD", ...words)).toHaveLength(4); // And then it was lost.
    const refused = await launched({ port, join: first.port });
    await eventually(() => !refused.running, "the node ends");
    expect((await refused.exited).code).toBe(1);
    expect(refused.log).toContain("If its data is gone: RAFT REMOVE 2 first");
    expect(await say(first, "RAFT", "REMOVE", "2")).toEqual(ok);
    const again = await launched({ dir: refused.dir, port, join: first.port });
    await again.takesWrites();
    expect(await idOf(again)).toBe(3);
  });

  test("or a log that is gone, never gives a vote", async () => {
    const { nodes } = await cluster(3);
    const [first, second, wiped] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    const identity = join(wiped.dir, "identity.json");
    await eventually(() => readFileSync(identity, "utf8").includes('"hasLog": true'), "a log");
    await wiped.kill();
    empty(join(wiped.dir, "log"));
    const refused = await wiped.restart();
    onTestFinished(() => refused.dispose());
    await eventually(() => !refused.running, "the node ends");
    expect((await refused.exited).code).toBe(1);
    expect(refused.log).toMatch(/the log of .* is gone: this node must not vote/);
    empty(wiped.dir);
    const stranger = await launched({ dir: wiped.dir, port: wiped.port }); // Without --join.
    await stranger.takesWrites(); // A cluster of its own.
    expect(stranger.log).toContain("a new cluster begins with this node alone");
    expect((await statusOf(stranger)).members).toHaveLength(1);
    // Both sides say so, and what its clients write there stays there.
    const words = "this node belongs to another cluster";
    await eventually(() => stranger.log.includes(`: ${words}`), "it refuses the others");
    await eventually(() => first.log.includes(`refused by the peer: ${words}`), "they are told");
    expect(await say(stranger, "SET", "where", "there")).toEqual(ok);
    expect(await say(first, "GET", "where")).toBeNull();
    const { members } = await statusOf(first);
    expect(members.map((member) => member.get("id"))).toEqual([1, 2, 3]);
    await second.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await statusOf(first)).fields.get("leader")).toBe(0);
    expect(stranger.log).toContain("refused a peer connection");
  });
});

test("a member that comes back on other ports is a member as before", async () => {
  const { nodes } = await cluster(3);
  const [first, second, moving] = nodes as [ServerProcess, ServerProcess, ServerProcess];
  await moving.stop();
  const port = await sparePort();
  const moved = await launched({ dir: moving.dir, port });
  await moved.takesWrites();
  const id = await idOf(moved);
  for (const node of [first, second, moved]) {
    await eventually(async () => {
      const { members } = await statusOf(node);
      const row = members.find((member) => member.get("id") === id);
      return (
        row?.get("client-address") === `127.0.0.1:${port}` &&
        row.get("peer-address") === `127.0.0.1:${port + peerPortOffset}`
      );
    }, "the configuration has the new address");
  }
  // It is half of the majority now, and so it is after all have started anew.
  await second.kill();
  await moved.takesWrites();
  await first.kill();
  const back = await first.restart();
  onTestFinished(() => back.dispose());
  await back.takesWrites();
});

test("a node that stood still for two seconds serves as soon as it goes on", async () => {
  const { nodes } = await cluster(3);
  const leader = Number((await statusOf(nodes[0] as ServerProcess)).fields.get("leader"));
  for (const node of nodes)
    if ((await idOf(node)) !== leader) {
      node.pause();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      node.resume();
      const since = performance.now();
      await node.takesWrites();
      expect(performance.now() - since).toBeLessThan(2_000);
    }
});

test("kvorum replace puts a new node in the place of a dead one", async () => {
  const { nodes } = await cluster(3);
  const [first, second, dead] = nodes as [ServerProcess, ServerProcess, ServerProcess];
  const id = await idOf(dead);
  await dead.kill();
  const port = await sparePort();
  const words = ["replace", String(id), `127.0.0.1:${port}`, "--port", String(second.port)];
  const command = runCommand(words);
  await eventually(() => command.output.includes("admitted"), "the new node is admitted");
  const joined = await launched({ port, join: first.port });
  expect(await command.ended).toBe(0);
  const lines = command.output.trim().split("\n");
  const said = lines.map((line) => JSON.parse(line) as { node: number; state: string });
  expect(said.at(0)).toEqual({ node: id + 1, state: "admitted" });
  expect(said.at(-2)).toEqual({ node: id + 1, state: "voter" });
  expect(said.at(-1)).toEqual({ node: id, state: "removed" });
  await voteTogether([first, second, joined]);
  const transfer = runCommand(["transfer", String(id + 1), "--port", String(first.port)]);
  expect(await transfer.ended).toBe(0);
  expect((await statusOf(joined)).fields.get("role")).toBe("leader");
});

/** `kvorum` with some words, its standard output so far and its exit code at the end. */
function runCommand(words: readonly string[]) {
  const child = spawn(process.execPath, [mainJs, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const command = {
    output: "",
    ended: new Promise<number | null>((resolve) => child.once("close", resolve)),
  };
  child.stdout.on("data", (chunk) => {
    command.output += String(chunk);
  });
  return command;
}
