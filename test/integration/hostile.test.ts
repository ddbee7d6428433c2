// Clients that are slow, that guess or that are too many: closed in time, and nobody else notices.

import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  authenticationMs,
  halfRequestBytesPerSecond,
  halfRequestMs,
  lingerMs,
  wrongPasswordsMax,
  wrongPasswordWaitMs,
} from "../../src/constants.ts";
import { createLogger } from "../../src/logger.ts";
import { type ClientLimits, ClientListener } from "../../src/net/clients/client-listener.ts";
import { NodeStats } from "../../src/net/clients/stats.ts";
import { openFilesMin } from "../../src/node/config/open-files.ts";
import { CommandFinder } from "../../src/state/commands/lookup.ts";
import { KeyHasher } from "../../src/state/keyspace/key-hash.ts";
import { PositionIndex } from "../../src/state/keyspace/position-index.ts";
import { ServerProcess } from "../support/process-server.ts";
import { encodeRequest, RawClient } from "../support/raw-client.ts";
import { FakeServer } from "../support/session-context.ts";
import { sessionTable } from "../support/session-run.ts";

const MiB = 1024 * 1024;
const pong = "+PONG\r\n";
const wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const noAuth = "-NOAUTH Authentication required.\r\n";
const tooMany = "-ERR max number of clients reached\r\n";
const ping = encodeRequest(["PING"]);
const join = (replies: readonly Buffer[]) => Buffer.concat(replies).toString("latin1");

/** A node whose timers ring when the test says so. */
class PatientServer extends FakeServer {
  readonly sleepers: { readonly ms: number; readonly wake: () => void }[] = [];

  override sleep(ms = 0): Promise<void> {
    return new Promise((wake) => this.sleepers.push({ ms, wake }));
  }
}

/** The listener of a node without data, on a clock of its own; sockets are real. */
class Door {
  readonly server = new PatientServer();
  readonly listener: ClientListener;
  #nowMs = 0;
  readonly #port: Promise<number>;

  constructor(limits: Partial<ClientLimits> = {}) {
    this.listener = new ClientListener({
      limits: () => ({ ...openLimits, ...limits }),
      sessions: {
        commands: sessionTable,
        finder: new CommandFinder(sessionTable),
        server: this.server,
        stats: new NodeStats({ expiredKeys: 0, hits: 0, misses: 0 }),
        isFull: false,
        refusesWrite: () => null,
        write: vi.fn(),
        read: vi.fn(),
        holds: (command) => this.listener.holds(command),
        nowMs: () => this.#nowMs,
      },
      wake: () => void setImmediate().then(() => this.listener.flush()),
      logger: createLogger("silent"),
    });
    if (limits.requiresPassword === true) this.server.config.values.set("requirepass", "sesame");
    this.#port = this.listener.listen([{ host: "127.0.0.1", optional: false }], 0);
    onTestFinished(() => this.listener.close(0));
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect(await this.#port);
    onTestFinished(() => client.close());
    return client;
  }

  clients(count: number): Promise<RawClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.client()));
  }

  /** Every client sends the bytes; resolves when they have all been seen. */
  async send(clients: readonly RawClient[], bytes: string): Promise<void> {
    const before = this.#inputBytes;
    for (const client of clients) client.write(bytes);
    await vi.waitUntil(() => this.#inputBytes === before + clients.length * bytes.length);
  }

  /** Time passes, with a look at all clients before and after. */
  async pass(ms: number): Promise<void> {
    this.listener.sweep();
    this.#nowMs += ms;
    this.listener.sweep();
    // A socket that was destroyed says so in the same turn of the event loop.
    for (let turn = 0; turn < 2; turn++) await setImmediate();
  }

  get #inputBytes(): number {
    let sum = 0;
    for (const { session } of this.listener.connections()) sum += session.totalInputBytes;
    return sum;
  }
}

const openLimits: ClientLimits = {
  maxClients: 1_000,
  bulkBytes: 64 * MiB,
  requestBytes: 64 * MiB,
  idleSeconds: 0,
  keepAliveSeconds: 0,
  requiresPassword: false,
  protectedMode: true,
};

describe("a slow client", () => {
  test("that sends its request byte by byte makes room in the end, and others are served", async () => {
    const door = new Door({ maxClients: 51 });
    const brisk = await door.client();
    const slow = await door.clients(50);
    for (let passed = 0; passed < halfRequestMs; passed += 10_000) {
      await door.send(slow, "*");
      expect(await brisk.ask("PING")).toBe(pong);
      expect(door.listener.connectionCount).toBe(51);
      expect(await lastWords(await door.client())).toBe(tooMany);
      await door.pass(10_000);
    }
    await door.pass(1);
    await Promise.all(slow.map((client) => client.closed));
    expect(await brisk.ask("PING")).toBe(pong);
    expect(await (await door.client()).ask("PING")).toBe(pong);
  });

  test("that is always within a request, and finishes every one, is left alone", async () => {
    const door = new Door();
    const client = await door.client();
    await door.send([client], ping.slice(0, 5));
    for (let round = 0; round < 10; round++) {
      await door.pass(halfRequestMs);
      await door.send([client], ping.slice(5) + ping.slice(0, 5));
      expect(String(await client.replies(1))).toBe(pong);
    }
  });

  test("with a large request has a time that grows with what it has sent", async () => {
    const door = new Door();
    const client = await door.client();
    await door.send([client], `*2\r\n$4\r\nECHO\r\n$${MiB}\r\n${"x".repeat(MiB / 2)}`);
    await door.pass(halfRequestMs + (1000 * MiB) / 2 / halfRequestBytesPerSecond);
    expect(door.listener.connectionCount).toBe(1);
    await door.pass(1_000);
    await client.closed;
  });

  test("that has its last reply and stays gives its place back", async () => {
    const door = new Door();
    const client = await door.client();
    expect(await client.ask("QUIT")).toBe("+OK\r\n");
    await client.closed; // Its other direction is still open.
    expect(door.listener.connectionCount).toBe(1);
    await door.pass(lingerMs + 1);
    await vi.waitUntil(() => door.listener.connectionCount === 0);
  });
});

describe("a client without a password", () => {
  test("is closed in time, whatever it sends meanwhile; one that has given it stays", async () => {
    const door = new Door({ requiresPassword: true });
    const [stranger, dripping] = [await door.client(), await door.client()];
    const friend = await door.client();
    expect(await friend.ask("AUTH", "sesame")).toBe("+OK\r\n");
    for (let passed = 0; passed < authenticationMs; passed += 1_000) {
      expect(await stranger.ask("PING")).toBe(noAuth);
      await door.send([dripping], "*");
      await door.pass(1_000);
    }
    await door.pass(1);
    await Promise.all([stranger.closed, dripping.closed]);
    expect(await friend.ask("PING")).toBe(pong);
  });

  test("has its time anew after RESET, and while the node itself lets it wait", async () => {
    const door = new Door({ requiresPassword: true });
    const client = await door.client();
    expect(await client.ask("PING")).toBe(noAuth);
    await door.pass(authenticationMs);
    expect(await client.ask("AUTH", "sesame")).toBe("+OK\r\n");
    await door.pass(authenticationMs);
    expect(await client.ask("RESET")).toBe("+RESET\r\n");
    await door.pass(authenticationMs);
    door.listener.pause(Number.MAX_SAFE_INTEGER, "all");
    await door.send([client], encodeRequest(["AUTH", "sesame"]));
    await door.pass(authenticationMs);
    door.listener.unpause();
    expect(String(await client.replies(1))).toBe("+OK\r\n");
  });

  test("that guesses is answered late after the tenth time, in order, and it alone", async () => {
    const door = new Door({ requiresPassword: true });
    const { sleepers } = door.server;
    const [guesser, other] = [await door.client(), await door.client()];
    const guess = encodeRequest(["AUTH", "guess"]);
    await door.send([guesser], `${guess.repeat(wrongPasswordsMax + 2)}${ping}`);
    for (let late = 0; late < 2; late++) {
      const atOnce = late === 0 ? wrongPasswordsMax : 1;
      expect(join(await guesser.replies(atOnce))).toBe(wrong.repeat(atOnce));
      expect(await other.ask("AUTH", "sesame")).toBe("+OK\r\n");
      expect(String(guesser.received)).toBe("");
      expect(sleepers.map(({ ms }) => ms)).toEqual([wrongPasswordWaitMs]);
      sleepers.pop()?.wake();
    }
    expect(join(await guesser.replies(2))).toBe(wrong + noAuth);
  });

  test("cannot guess faster with HELLO or RESET; the right password ends the count", async () => {
    const door = new Door({ requiresPassword: true });
    const { sleepers } = door.server;
    const client = await door.client();
    for (let round = 0; round < wrongPasswordsMax / 2; round++) {
      expect(await client.ask("AUTH", "guess")).toBe(wrong);
      expect(await client.ask("HELLO", "3", "AUTH", "default", "guess")).toBe(wrong);
      expect(await client.ask("RESET")).toBe("+RESET\r\n");
    }
    client.send(["HELLO", "3", "AUTH", "default", "guess"]);
    await vi.waitUntil(() => sleepers.length === 1);
    expect(String(client.received)).toBe("");
    sleepers.pop()?.wake();
    expect(String(await client.replies(1))).toBe(wrong);
    expect(await client.ask("AUTH", "sesame")).toBe("+OK\r\n");
    expect(await client.ask("AUTH", "guess")).toBe(wrong);
    expect(sleepers).toEqual([]);
  });
});

test("integer-like keys in a row cost no more to find than others", () => {
  let reads = 0;
  const keys: string[] = [];
  const counted = new Proxy(keys, {
    get(target, at): unknown {
      reads++;
      return Reflect.get(target, at);
    },
  });
  const hasher = new KeyHasher(7);
  const index = new PositionIndex(counted, hasher);
  for (let number = 0; number < 100_000; number++) {
    const key = String(number);
    hasher.take(key);
    index.find(key, hasher.hash);
    keys.push(key);
    index.add(hasher.hash, number);
  }
  // Every growth reads all keys, which makes less than two reads a key; the rest are collisions.
  expect(reads / keys.length).toBeLessThan(2.5);
});

test("a server is closed when its last client is gone", async () => {
  const door = new Door();
  const client = await door.client();
  await door.send([client], ping.slice(0, 5));
  await door.listener.close(0);
  expect(door.listener.connectionCount).toBe(0);
  await client.closed;
});

describe("more clients than there is room for", () => {
  test("a refused client that stays does not keep the server from closing", async () => {
    const door = new Door({ maxClients: 0 });
    const client = await door.client();
    expect(await lastWords(client)).toBe(tooMany);
    await door.listener.close(0);
  });

  test("peers and files keep their descriptors: the cluster works on while the leader is flooded", async () => {
    const openFiles = openFilesMin - 1 + 12; // Room for 12 clients.
    const few = ["sh", "-c", `ulimit -n ${openFiles} && exec "$@"`, "sh"];
    const leader = await start({ wrapper: few });
    expect(leader.log).toContain(`maxclients is 12 instead of 10000: the limit on open files`);
    const follower = await start({ join: leader.port });
    const writer = await leader.connect();
    const isLearning = async () => (await writer.ask("RAFT", "STATUS")).includes("learner");
    await vi.waitUntil(async () => !(await isLearning()), 10_000);

    const flood = await Promise.all(Array.from({ length: 600 }, () => leader.connect()));
    onTestFinished(() => {
      for (const client of flood) client.close();
    });
    await vi.waitUntil(() => flood.filter((client) => client.isClosed).length >= 588, 10_000);
    const told = flood.filter((client) => client.received.equals(Buffer.from(tooMany)));
    expect(told.length).toBeGreaterThanOrEqual(588);
    expect(readdirSync(`/proc/${leader.pid}/fd`).length).toBeLessThan(openFiles / 2);

    await follower.kill();
    const again = await follower.restart();
    onTestFinished(() => again.dispose());
    expect(await writer.ask("SET", "hostile:flood", "v")).toBe("+OK\r\n");
  });
});

async function start(options: Parameters<typeof ServerProcess.launch>[0]): Promise<ServerProcess> {
  const server = await ServerProcess.start(options);
  onTestFinished(() => server.dispose());
  return server;
}

/** What a client that the server closes was told before. */
async function lastWords(client: RawClient): Promise<string> {
  await client.closed;
  return client.received.toString("latin1");
}
