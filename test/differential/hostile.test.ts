// Hostile clients: the same reaction as redis-server, and a server that does not notice.

import { readdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { type LaunchOptions, ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import { encodeRequest, RawClient } from "../support/raw-client.ts";
import {
  hostileRows,
  mutated,
  ping,
  pipeline,
  pong,
  type Reaction,
  request,
} from "./hostile-rows.ts";
import { Random } from "./random.ts";

const MiB = 1024 * 1024;
/** How long a connection must be silent before its reaction counts as complete. */
const quietMs = 60;
/** How long an expected reaction may take on a busy machine. */
const patienceMs = 5_000;

/** With an expected reaction it is waited for; without, a short silence is taken for the end. */
async function react(
  port: number,
  pieces: readonly string[],
  expected?: Reaction,
): Promise<Reaction> {
  const client = await RawClient.connect(port);
  for (const piece of pieces) {
    client.write(piece);
    // Lets the piece leave in a packet of its own.
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const deadline = Date.now() + patienceMs;
  let replies = "";
  let missing: boolean;
  do {
    replies += (await client.drain(quietMs)).toString("latin1");
    missing = replies.length < (expected?.replies.length ?? 0) || expected?.closed === true;
  } while (missing && !client.isClosed && Date.now() < deadline);
  const closed = client.isClosed;
  client.close();
  return { replies, closed };
}

/** Stack traces have no place in a server's log, whatever a client sends. */
const stackTrace = /(\n|\\n)\s+at .*:\d+:\d+/;

describe.skipIf(!requireTool("redis-server"))("hostile input", () => {
  let oracle: Oracle;
  let server: ServerProcess;
  let bystander: RawClient;
  let residentBefore = 0;

  beforeAll(async () => {
    [oracle, server] = await Promise.all([startOracle(), ServerProcess.start()]);
    bystander = await server.connect();
    await warmUp(server.port);
    residentBefore = server.residentBytes();
  });
  afterAll(async () => {
    bystander?.close();
    await oracle?.stop();
    await server?.dispose();
  });

  afterEach(async () => {
    const askedAt = performance.now();
    expect(await bystander.ask("PING")).toBe(pong);
    expect(performance.now() - askedAt).toBeLessThan(1_000);
    expect(server.log).not.toMatch(stackTrace);
  });

  test.each(hostileRows)("$title", async ({ pieces, differs }) => {
    const before = server.residentBytes();
    const expected = differs?.expected ?? (await react(oracle.port, pieces));
    expect(await react(server.port, pieces, expected), differs?.why).toEqual(expected);
    expect(server.residentBytes() - before).toBeLessThan(16 * MiB);
  });

  test("replies come although the client has ended its side", async () => {
    for (const port of [oracle.port, server.port]) {
      const client = await RawClient.connect(port);
      client.write(ping.repeat(100));
      client.end();
      await client.closed;
      expect((await client.drain(1)).toString("latin1")).toBe(pong.repeat(100));
    }
  });

  test("a reset in the middle of a reply ends only that connection", async () => {
    await bystander.ask("SET", "hostile:big", "v".repeat(8 * MiB));
    for (let round = 0; round < 10; round++) {
      const client = await server.connect();
      client.pauseReading();
      client.write(request("GET", "hostile:big").repeat(4));
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.reset();
    }
    expect(await bystander.ask("DEL", "hostile:big")).toBe(":1\r\n");
  });

  test("a client that does not read cannot make the server hold its replies", async () => {
    await bystander.ask("SET", "hostile:big", "v".repeat(MiB));
    const before = server.residentBytes();
    const client = await server.connect();
    client.pauseReading();
    client.write(request("GET", "hostile:big").repeat(2_000)); // 2 GB of replies.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await bystander.ask("PING")).toBe(pong);
    expect(server.residentBytes() - before).toBeLessThan(128 * MiB);
    client.close();
    await bystander.ask("DEL", "hostile:big");
  });

  test("five hundred requests of which the end never comes keep nobody from being served", async () => {
    const before = server.residentBytes();
    const clients = await Promise.all(Array.from({ length: 500 }, () => server.connect()));
    for (const client of clients) client.write(request("SET", "hostile:half", "v").slice(0, -1));
    expect(await bystander.ask("EXISTS", "hostile:half")).toBe(":0\r\n");
    for (const client of clients) client.close();
    expect(server.residentBytes() - before).toBeLessThan(32 * MiB);
  });

  test("one request of a hundred thousand integer-like keys", async () => {
    const count = 100_000;
    const numbers = Array.from({ length: count }, (_, number) => String(number));
    const input = [
      request("FLUSHALL"),
      encodeRequest(["MSET", ...numbers.flatMap((number) => [number, number])]),
      request("DBSIZE"),
      encodeRequest(["MGET", ...numbers]),
      encodeRequest(["DEL", ...numbers]),
      request("DBSIZE"),
    ].join("");
    const [theirs, ours] = await Promise.all(
      [oracle, server].map(async ({ port }) => {
        const client = await RawClient.connect(port);
        const replies = String(await client.batch(input));
        client.close();
        return replies;
      }),
    );
    expect(theirs).toContain(`:${count}\r\n`);
    expect(ours).toBe(theirs);
  });

  test("mutated requests get the same reaction, apart from what is stricter on purpose", async () => {
    const random = new Random(11);
    for (let group = 0; group < 60; group++) {
      // Inputs of a group run at once, so each has a key of its own.
      const inputs = Array.from({ length: 16 }, () => {
        const key = `hostile:${Array.from({ length: 5 }, () => random.pick([..."abcdefghij"])).join("")}`;
        return mutated(pipeline(key) + ping, random);
      });
      await Promise.all(
        inputs.map(async (input) => {
          const theirs = await react(oracle.port, [input]);
          const ours = await react(server.port, [input], theirs);
          if (!isStricter(input, ours, theirs)) expect(ours, JSON.stringify(input)).toEqual(theirs);
        }),
      );
    }
  });

  test("all of it together left no memory behind", () => {
    expect(server.residentBytes() - residentBefore).toBeLessThan(160 * MiB);
  });
});

describe.skipIf(!requireTool("redis-server"))("hostile clients of a limited server", () => {
  async function both(args: readonly string[]) {
    const launch: LaunchOptions = { args };
    const [oracle, server] = [await startOracle(...args), await ServerProcess.launch(launch)];
    onTestFinished(async () => {
      await oracle.stop();
      await server.dispose();
    });
    return { oracle, server };
  }

  test("without a password nothing is answered, and only small requests are read", async () => {
    const { oracle, server } = await both(["--requirepass", "secret"]);
    await untilListening(server);
    const inputs = [
      ...[["GET", "k"], ["PING"], ["HELLO", "3"], ["COMMAND"], ["AUTH", "wrong"], ["QUIT"]].map(
        (words) => encodeRequest(words),
      ),
      "*11\r\n",
      "*1\r\n$16385\r\n",
      `${request("AUTH", "secret")}${request("GET", "hostile:none")}${ping}`,
      `${request("AUTH", "nobody", "secret")}${request("AUTH", "default", "secret")}${ping}`,
      `${request("AUTH", "wrong").repeat(10)}${ping}${request("AUTH", "secret")}`,
      `${request("HELLO", "3", "AUTH", "default", "wrong").repeat(10)}${ping}`,
    ];
    for (const input of inputs) {
      const expected = await react(oracle.port, [input]);
      const ours = await react(server.port, [input], expected);
      expect(ours, JSON.stringify(input)).toEqual(expected);
    }
    expect(server.log).not.toContain("secret");
    expect(server.log).not.toMatch(stackTrace);
  });

  test("ten thousand wrong passwords are answered slowly, and none of them is written down", async () => {
    const { server } = await both(["--requirepass", "secret", "--loglevel", "debug"]);
    await untilListening(server);
    const [guesser, friend] = [await server.connect(), await server.connect()];
    const beganAt = performance.now();
    const guesses = Array.from({ length: 10_000 }, (_, at) => request("AUTH", `guess-${at}`));
    guesser.write(guesses.join(""));
    expect(await friend.ask("AUTH", "secret")).toBe("+OK\r\n");
    expect(await friend.ask("SET", "k", "v")).toBe("+OK\r\n");
    await guesser.replies(12);
    const answered = 12 + guesser.received.toString().split("WRONGPASS").length - 1;
    expect(answered).toBeLessThanOrEqual(10 + (performance.now() - beganAt) / 1_000);
    expect(server.log).not.toMatch(/guess-|secret/);
  });

  test("a stranger who does not read is closed at a small limit", async () => {
    const { server } = await both(["--requirepass", "secret"]);
    await untilListening(server);
    const client = await server.connect();
    client.pauseReading();
    client.write(request("GET", "k").repeat(2_000_000)); // 72 MB of refusals.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    client.resumeReading();
    const received = await client.drain(300);
    expect(client.isClosed).toBe(true);
    expect(received.length).toBeLessThan(32 * MiB); // The system's own buffers hold most of it.
    expect(server.running).toBe(true);
  });

  test("clients too many are told so and closed, and hold no descriptor by staying", async () => {
    const { oracle, server } = await both(["--maxclients", "10"]);
    await untilListening(server);
    for (const { port, pid } of [oracle, server]) {
      const clients: RawClient[] = [];
      for (let count = 0; count < 10; count++) clients.push(await RawClient.connect(port));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await react(port, [])).toEqual({
        replies: "-ERR max number of clients reached\r\n",
        closed: true,
      });
      const before = openFiles(pid);
      for (let count = 0; count < 50; count++) clients.push(await RawClient.connect(port));
      await Promise.all(clients.slice(10).map((client) => client.closed));
      await vi.waitFor(() => expect(openFiles(pid)).toBeLessThan(before + 5));
      for (const client of clients) client.close();
    }
  });
});

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Lets the heap of the server grow to its working size, so that later growth means something. */
async function warmUp(port: number): Promise<void> {
  const client = await RawClient.connect(port);
  for (let batch = 0; batch < 20; batch++) {
    await client.batch(request("SET", "hostile:warm", "x".repeat(500)).repeat(2_000));
  }
  await client.ask("DEL", "hostile:warm");
  client.close();
}

/** With a password a probe by PING is refused, which proves as well that somebody listens. */
/** It answers others than -LOADING, which a stranger is not told. */
async function untilListening(server: ServerProcess): Promise<void> {
  await expect.poll(() => server.log, { timeout: 10_000 }).toContain("ready on");
}

/**
 * kvorum closes where Redis reads on: other bytes in the place of CRLF, and bytes that no text
 * protocol contains. What it answered before must still be the same.
 */
function isStricter(input: string, ours: Reaction, theirs: Reaction): boolean {
  if (!ours.closed) return false;
  const last = /-ERR Protocol error: ([^\r]*)\r\n$/.exec(ours.replies);
  if (!theirs.replies.startsWith(ours.replies.slice(0, last?.index))) return false;
  if (last?.[1] === "expected CRLF after bulk string") return true;
  const foreign = input.includes("\0") || input.includes("\x16");
  return foreign || (last !== null && /\r(?!\n)/.test(input));
}
