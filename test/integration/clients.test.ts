// Real clients, unchanged: redis-cli, redis-benchmark, ioredis and node-redis.

import { spawn } from "node:child_process";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import { encodeRequest } from "../support/raw-client.ts";

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start();
});
afterAll(() => server?.dispose());

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Both outputs of a program, after its input was written. */
function runProgram(program: string, args: readonly string[], input = ""): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["-p", String(server.port), ...args]);
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (output += String(chunk)));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
    child.stdin.end(input, "latin1");
  });
}

describe.skipIf(!requireTool("redis-cli"))("redis-cli", () => {
  test("sets and gets", async () => {
    expect(await runProgram("redis-cli", ["SET", "cli:a", "a b"])).toEqual({
      code: 0,
      output: "OK\n",
    });
    expect((await runProgram("redis-cli", ["GET", "cli:a"])).output).toBe("a b\n");
    expect((await runProgram("redis-cli", ["-3", "GET", "cli:none"])).output).toBe("\n");
    expect((await runProgram("redis-cli", ["GET"])).output).toContain("wrong number of arguments");
  });

  test("loads a file of requests with --pipe", async () => {
    let requests = "";
    for (let n = 0; n < 10_000; n++) requests += encodeRequest(["SET", `pipe:${n}`, "\0\r\n\xff"]);
    const { code, output } = await runProgram("redis-cli", ["--pipe"], requests);
    expect(output).toContain("errors: 0, replies: 10000");
    expect(code).toBe(0);
  });

  test("walks the keys with --bigkeys and --scan", async () => {
    await runProgram("redis-cli", ["SET", "cli:largest", "x".repeat(5_000)]);
    const { code, output } = await runProgram("redis-cli", ["--bigkeys"]);
    expect(output).toContain(`Biggest string found '"cli:largest"' has 5000 bytes`);
    expect(code).toBe(0);
    const scanned = await runProgram("redis-cli", ["--scan", "--pattern", "cli:l*"]);
    expect(scanned.output).toBe("cli:largest\n");
  });

  test("shows INFO, CLIENT LIST and RAFT STATUS", async () => {
    expect((await runProgram("redis-cli", ["INFO", "server"])).output).toContain("redis_version:");
    expect((await runProgram("redis-cli", ["CLIENT", "LIST"])).output).toContain("cmd=client|list");
    expect((await runProgram("redis-cli", ["RAFT", "STATUS"])).output).toContain("leader");
  });
});

test.skipIf(!requireTool("redis-benchmark"))(
  "redis-benchmark finds nothing to complain about",
  async () => {
    const args = ["-q", "-n", "3000", "-c", "20", "-t", "ping,set,get,incr,mset"];
    for (const pipeline of ["1", "16"]) {
      const { code, output } = await runProgram("redis-benchmark", [...args, "-P", pipeline]);
      expect(output).not.toMatch(/error|warning/i);
      for (const name of ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]) {
        expect(output).toContain(`${name}: `);
      }
      expect(code).toBe(0);
    }
  },
);

describe.each([2, 3] as const)("ioredis with RESP%i", (protocol) => {
  test("gets what it has written, binary too", async () => {
    const redis = new Redis(server.port, "127.0.0.1", { protocol });
    const binary = Buffer.from([0, 13, 10, 255, 254]);
    try {
      await redis.flushdb();
      expect(await redis.set("io:a", "1", "EX", 1_000)).toBe("OK");
      expect(await redis.incrby("io:a", 41)).toBe(42);
      expect(await redis.incrbyfloat("io:f", "0.5")).toBe("0.5");
      expect(await redis.set("io:b", binary)).toBe("OK");
      expect(await redis.getBuffer("io:b")).toEqual(binary);
      expect(await redis.mget("io:a", "io:none")).toEqual(["42", null]);
      expect(await redis.ttl("io:a")).toBeGreaterThan(900);
      expect((await redis.keys("io:*")).sort()).toEqual(["io:a", "io:b", "io:f"]);
      expect(await redis.config("GET", "databases")).toEqual(["databases", "16"]);
      await expect(redis.incr("io:b")).rejects.toThrow("ERR value is not an integer");
    } finally {
      redis.disconnect();
    }
  });

  test("pipelines, and streams all keys with SCAN", async () => {
    const redis = new Redis(server.port, "127.0.0.1", { protocol });
    try {
      await redis.flushdb();
      const pipeline = redis.pipeline();
      for (let n = 0; n < 1_000; n++) pipeline.set(`scan:${n}`, n);
      expect((await pipeline.exec())?.every(([error]) => error === null)).toBe(true);
      const found = new Set<string>();
      for await (const keys of redis.scanStream({ match: "scan:*", count: 50 })) {
        for (const key of keys as string[]) found.add(key);
      }
      expect(found.size).toBe(1_000);
    } finally {
      redis.disconnect();
    }
  });
});

describe.each([2, 3] as const)("node-redis with RESP%i", (version) => {
  test("gets what it has written", async () => {
    const client = createClient({ RESP: version, socket: { port: server.port } });
    await client.connect();
    try {
      await client.flushDb();
      expect(await client.set("nr:a", "1", { expiration: { type: "EX", value: 1_000 } })).toBe(
        "OK",
      );
      expect(await client.incrBy("nr:a", 41)).toBe(42);
      expect(await client.mGet(["nr:a", "nr:none"])).toEqual(["42", null]);
      expect(await client.configGet("databases")).toEqual({ databases: "16" });
      expect(await client.exists(["nr:a", "nr:a", "nr:none"])).toBe(2);
      const found: string[] = [];
      for await (const keys of client.scanIterator({ MATCH: "nr:*" })) found.push(...keys);
      expect(found).toEqual(["nr:a"]);
      await expect(client.sendCommand(["GET"])).rejects.toThrow("wrong number of arguments");
    } finally {
      client.destroy();
    }
  });
});
