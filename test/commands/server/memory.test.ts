// MEMORY and INFO memory as a client types them.

import { describe, expect, test } from "vitest";
import { ok, type VerbatimReply } from "../../../src/resp/reply.ts";
import type { MemoryFigures } from "../../../src/state/commands/session-context.ts";
import { CommandSession, play, show, type Transcript } from "../../support/command-session.ts";
import { FakeServer } from "../../support/session-context.ts";
import { SessionRunner } from "../../support/session-run.ts";

const MiB = 1024 * 1024;

describe("MEMORY USAGE", () => {
  test("tells what a key counts for maxmemory, whatever SAMPLES says", () => {
    const session: Transcript = [
      ["set k v", "+OK"],
      // A head of 12 bytes, key and value in a slot of 16, and 16 beside it.
      ["memory usage k", 32],
      ["memory usage k samples 0", 32],
      ["memory usage k SAMPLES 5 samples 3", 32],
      ["expire k 100", 1],
      ["memory usage k", 64],
      ["memory usage none", null],
    ];
    expect(play(session)).toEqual(session);
  });

  test("counts a long value by its length", () => {
    const session = new CommandSession();
    session.reply("SET", "k", "v".repeat(MiB));
    const room = session.reply("MEMORY", "USAGE", "k") as number;
    expect(room).toBeGreaterThan(MiB);
    expect(room).toBeLessThan(MiB + 1024);
  });

  test("refuses other options, and looks at them before the key", () => {
    const session: Transcript = [
      ["memory usage none samples", "-ERR syntax error"],
      ["memory usage none samples x", "-ERR value is not an integer or out of range"],
      ["memory usage none samples -1", "-ERR syntax error"],
      ["memory usage none count 3", "-ERR syntax error"],
      ["memory usage", "-ERR wrong number of arguments for 'memory|usage' command"],
      ["memory", "-ERR wrong number of arguments for 'memory' command"],
      ["memory nosuch", "-ERR unknown subcommand 'nosuch'. Try MEMORY HELP."],
    ];
    expect(play(session)).toEqual(session);
  });

  test("is no use of the key, and no hit or miss", () => {
    const session = new CommandSession();
    session.run("set k v");
    const { hits, misses } = session.counters;
    session.run("memory usage k");
    session.run("memory usage none");
    expect(session.counters).toMatchObject({ hits, misses });
  });
});

describe("MEMORY STATS", () => {
  test("has Redis' fields, as far as they exist here", async () => {
    const reply = show(await new SessionRunner().run("MEMORY", "STATS")) as [string, unknown][];
    const fields = Object.fromEntries(reply);
    expect(fields).toMatchObject({
      "peak.allocated": 2 * MiB,
      "total.allocated": MiB,
      "startup.allocated": MiB / 2,
      "clients.normal": 0,
      "overhead.total": 0.75 * MiB,
      "keys.count": 10,
      "keys.bytes-per-key": Math.floor(MiB / 2 / 10),
      "dataset.bytes": MiB / 4,
      "dataset.percentage": { value: 50 },
      "peak.percentage": { value: 50 },
      "allocator.allocated": 100_000,
      "allocator-fragmentation.ratio": { value: 2 },
      "allocator-fragmentation.bytes": 100_000,
      "allocator-rss.ratio": { value: 5 },
      "allocator-rss.bytes": 800_000,
      fragmentation: { value: 1.5 },
      "fragmentation.bytes": MiB / 2,
    });
    expect(fields["db.2"]).toEqual([
      ["overhead.hashtable.main", 900],
      ["overhead.hashtable.expires", 36],
    ]);
  });

  test("has finite figures while there is nothing at all", async () => {
    const runner = new SessionRunner();
    const { server } = runner.context;
    const none = { dataset: 0, allocated: 0, active: 0, chunks: 0, flushedKeys: 0 };
    server.figures = { ...server.figures, ...none, startup: server.figures.used + 1 };
    server.tables = () => [];
    const reply = show(await runner.run("MEMORY", "STATS")) as [string, unknown][];
    for (const [name, value] of reply) {
      const figure = typeof value === "object" ? (value as { value: number }).value : value;
      expect(Number.isFinite(figure), name).toBe(true);
    }
  });
});

describe("MEMORY DOCTOR", () => {
  async function report(change: Partial<MemoryFigures>, maxmemory = 0): Promise<string> {
    const runner = new SessionRunner();
    const { server } = runner.context;
    server.config.values.set("maxmemory", String(maxmemory));
    const well = { used: 1500 * MiB, peak: 1500 * MiB, resident: 1600 * MiB };
    const data = { dataset: 1000 * MiB, allocated: 1000 * MiB, active: 1010 * MiB };
    server.figures = { ...server.figures, ...well, ...data, ...change };
    return ((await runner.run("MEMORY", "DOCTOR")) as VerbatimReply).text;
  }

  test("finds nothing where all is well, and says so where there is too little to look at", async () => {
    expect(await report({})).toBe("There is no problem with the memory of this node.\n");
    expect(await report({ dataset: MiB })).toMatch(/^There is too little data/);
  });

  test.each<[string, Partial<MemoryFigures>, number]>([
    ["Nearly full", {}, 1050 * MiB],
    ["A peak in the past", { peak: 2400 * MiB }, 0],
    ["Pages with gaps", { active: 1200 * MiB }, 0],
    ["A process larger than what it uses", { resident: 2200 * MiB }, 0],
  ])("says: %s", async (problem, change, maxmemory) => {
    const text = await report(change, maxmemory);
    expect(text).toMatch(new RegExp(`^ \\* ${problem}: [^*]+\n$`));
  });
});

test("MEMORY MALLOC-STATS lists the sizes that are given out", async () => {
  const { text } = (await new SessionRunner().run("MEMORY", "MALLOC-STATS")) as VerbatimReply;
  expect(text).toBe(
    [
      "Allocated: 100000, active: 200000, chunks: 1000000 bytes",
      "      size       slots     pages",
      "        64        1500         2",
      "",
    ].join("\n"),
  );
});

test("MEMORY PURGE gives back what is kept", async () => {
  const runner = new SessionRunner();
  expect(await runner.run("MEMORY", "PURGE")).toBe(ok);
  expect(runner.context.server.purges).toBe(1);
});

describe("INFO memory", () => {
  const linesOf = async (server: Partial<FakeServer> = {}) => {
    const runner = new SessionRunner();
    Object.assign(runner.context.server, server);
    const { text } = (await runner.run("INFO", "memory")) as VerbatimReply;
    return text.split("\r\n");
  };

  test("tells dataset and overhead apart, and what maxmemory does not count", async () => {
    expect(await linesOf()).toEqual(
      expect.arrayContaining([
        "used_memory:1048576",
        "used_memory_rss_human:1.50M",
        "used_memory_overhead:786432",
        "used_memory_startup:524288",
        "used_memory_dataset:262144",
        "used_memory_dataset_perc:50.00%",
        "mem_not_counted_for_evict:786432",
        "allocator_frag_ratio:2.00",
        "allocator_rss_bytes:800000",
        "lazyfree_pending_objects:7",
      ]),
    );
  });

  test("counts zeros that take no memory, and has no negative overhead for it", async () => {
    const { figures } = new FakeServer();
    const lines = await linesOf({ figures: { ...figures, dataset: 64 * MiB } });
    expect(lines).toContain("used_memory_overhead:0");
    expect(lines).toContain("used_memory_dataset_perc:100.00%");
  });

  test("counts what clients have under way", async () => {
    const runner = new SessionRunner();
    Object.assign(runner.context.client, { queryBufferBytes: 100, outputBytes: 23 });
    const { text } = (await runner.run("INFO", "memory")) as VerbatimReply;
    expect(text).toContain("mem_clients_normal:123\r\n");
  });
});
