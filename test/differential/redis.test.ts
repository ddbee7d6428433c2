// kvorum against redis-server 7.0.15: the same commands, the same replies, byte for byte.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import { RawClient, type Words } from "../support/raw-client.ts";
import { members } from "../support/raw-replies.ts";
import { compare, compareParts, type Protocol, type Sides } from "./compare.ts";
import { describeDifference, fuzz } from "./fuzz.ts";
import { keys } from "./words.ts";

describe.skipIf(!requireTool("redis-server"))("kvorum and redis-server", () => {
  let oracle: Oracle;
  let server: ServerProcess;
  let sides: Sides;

  beforeAll(async () => {
    [oracle, server] = await Promise.all([startOracle(), ServerProcess.start()]);
    sides = {
      oracle: { name: "redis-server", port: oracle.port },
      target: { name: "kvorum", port: server.port },
    };
  });
  afterAll(async () => {
    await oracle?.stop();
    await server?.dispose();
  });

  test.each([1, 20_001])("answer 10,000 generated commands alike (seed %i)", async (seed) => {
    const difference = await fuzz(sides, { seed, commands: 10_000 });
    expect(difference === null ? "none" : describeDifference(difference, sides)).toBe("none");
  });

  test.each<Protocol>([2, 3])("agree on keys that have fallen due (RESP%i)", async (protocol) => {
    // A key due after 1 ms, a pause, then one look at it; DBSIZE is left out, for Redis counts such a
    // key until its cycle finds it.
    for (const look of looksAtExpired) {
      const difference = await expiredDifference(look, protocol);
      expect(difference, look.join(" ")).toBeNull();
    }
  });

  async function expiredDifference(look: Words, protocol: Protocol) {
    const parts = [[["SET", "k", "7", "PX", "1"]], [look, ["GET", "k"], ["EXISTS", "k", "other"]]];
    return await compareParts(sides, protocol, { parts, pauseMs: 15 });
  }

  test("walk the same keys with SCAN, whatever the size of a step", async () => {
    const writes = keys.map((key) => ["SET", key, "v"]);
    expect(await compare(sides, 2, writes)).toBeNull();
    for (const step of ["1", "3", "10"]) {
      expect(await walk(server.port, step)).toEqual(await walk(oracle.port, step));
    }
  });
});

const looksAtExpired: readonly Words[] = [
  ...[
    ["GET", "k"],
    ["TTL", "k"],
    ["PTTL", "k"],
    ["EXISTS", "k"],
    ["TYPE", "k"],
    ["STRLEN", "k"],
  ],
  ...[
    ["KEYS", "k*"],
    ["SCAN", "0", "COUNT", "1000"],
    ["PERSIST", "k"],
    ["INCR", "k"],
  ],
  ...[
    ["APPEND", "k", "x"],
    ["SETNX", "k", "x"],
    ["SET", "k", "x", "XX"],
    ["GETDEL", "k"],
  ],
  ...[
    ["SET", "k", "x", "GET"],
    ["SET", "k", "x", "KEEPTTL"],
    ["EXPIRE", "k", "100"],
    ["DEL", "k"],
  ],
  ...[
    ["RENAME", "k", "other"],
    ["COPY", "k", "other"],
    ["MOVE", "k", "1"],
    ["GETEX", "k"],
  ],
  ...[
    ["GETRANGE", "k", "0", "-1"],
    ["SETRANGE", "k", "2", "x"],
    ["MGET", "k", "x"],
    ["TOUCH", "k"],
  ],
  ...[
    ["MSETNX", "k", "1", "other", "2"],
    ["UNLINK", "k"],
    ["OBJECT", "ENCODING", "k"],
  ],
  ...[
    ["EXPIRETIME", "k"],
    ["INCRBYFLOAT", "k", "0.5"],
    ["GETSET", "k", "x"],
    ["LCS", "k", "x"],
  ],
];

/** Every key that a whole walk returns, sorted, each once. */
async function walk(port: number, step: string): Promise<string[]> {
  const client = await RawClient.connect(port);
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, page] = members(await client.command("SCAN", cursor, "COUNT", step))?.items ?? [];
    cursor = next?.toString("latin1").split("\r\n")[1] ?? "0";
    for (const key of page === undefined ? [] : (members(page)?.items ?? [])) {
      found.add(key.toString("latin1"));
    }
  } while (cursor !== "0");
  client.close();
  return [...found].sort();
}
