// Replicated settings, and what apply does by them: -OOM, evictions, entries of the leader itself.

import { describe, expect, it, test } from "vitest";
import { ErrorReply, ok, type Reply } from "../../../src/resp/reply.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import {
  BatchBuilder,
  encodeProposal,
  readHeader,
  systemProposal,
} from "../../../src/state/execution/proposal.ts";
import {
  defaultWords,
  firstSettings,
  Settings,
  settingsWords,
  soundSettings,
} from "../../../src/state/execution/settings.ts";
import {
  evictName,
  settingsName,
  systemRequest,
} from "../../../src/state/execution/system-commands.ts";
import { encodeRequest } from "../../support/raw-client.ts";

const timeMs = 1_700_000_000_000;

/** A machine with a log of its own, fed as a leader would. */
class Run {
  readonly machine: Machine;
  readonly entries: Uint8Array[] = [];
  #number = 1;
  #replies: Reply[] = [];

  constructor(hashSeed = 1) {
    this.machine = new Machine({ commands, hashSeed, requestsPerLook: 1 });
  }

  write(...requests: readonly (readonly string[])[]): Reply[] {
    const builder = new BatchBuilder();
    for (const words of requests) {
      const bytes = Buffer.from(encodeRequest([...words]), "latin1");
      builder.add(0, 2, 1, bytes, 0, bytes.length);
    }
    const firstNumber = this.#number;
    this.#number += requests.length;
    const header = { timeMs, seed: 9, origin: 1, incarnation: 1, firstNumber };
    return this.apply(encodeProposal({ ...header, count: requests.length }, builder.take()));
  }

  apply(data: Uint8Array): Reply[] {
    this.#replies = [];
    this.entries.push(data);
    const sink = {
      ...{ origin: 1, incarnation: 1, passed: () => {} },
      reply: (reply: Reply) => this.#replies.push(reply),
    };
    const { machine } = this;
    let isWhole = machine.apply({ index: this.entries.length, data }, sink, () => true);
    while (!isWhole) isWhole = machine.goOn(() => true);
    return this.#replies;
  }

  settings(maxmemory: number, policy = "noeviction"): void {
    const pairs = [["maxmemory", `${maxmemory}`] as const, ["maxmemory-policy", policy] as const];
    expect(this.write([settingsName, ...settingsWords(pairs)])).toEqual([ok]);
  }
}

function evictionOf(...keys: readonly string[]): Uint8Array {
  const builder = new BatchBuilder();
  const bytes = systemRequest([evictName, ...keys]);
  builder.add(0, 2, 0, bytes, 0, bytes.length);
  return systemProposal(timeMs, 1, builder.take());
}

const oom = "OOM command not allowed when used memory > 'maxmemory'.";
const textOf = (reply: Reply | undefined): unknown =>
  reply instanceof ErrorReply ? reply.text : reply;

describe("settings", () => {
  it("change all at once or not at all", () => {
    const settings = new Settings(() => {});
    expect(settings.apply(settingsWords([["maxmemory", "100"]]))).toBe(ok);
    const bad = settings.apply(["*", "maxmemory", "5", "nosuch", "1"]);
    expect(bad).toBeInstanceOf(ErrorReply);
    expect(settings.record).toEqual({
      ...firstSettings,
      version: 1,
      maxmemory: 100,
      isDefault: false,
    });
  });

  it("give a client's choice precedence over what the leader derives", () => {
    const settings = new Settings(() => {});
    settings.apply(defaultWords(0, 1_000, [["maxmemory-policy", "allkeys-lru"]]));
    expect(settings.record).toMatchObject({
      maxmemory: 1_000,
      isDefault: true,
      policy: "allkeys-lru",
    });
    settings.apply(settingsWords([["maxmemory", "0"]]));
    settings.apply(defaultWords(1, 2_000));
    expect(settings.record).toMatchObject({ maxmemory: 0, isDefault: false, version: 2 });
  });

  it.each([
    null,
    {},
    { ...firstSettings, maxmemory: -1 },
    { ...firstSettings, version: 1.5 },
    { ...firstSettings, policy: "nosuch" },
    { ...firstSettings, isDefault: 1 },
  ])("of a damaged checkpoint make no sense: %j", (record) => {
    expect(soundSettings(record)).toBeNull();
    expect(soundSettings(firstSettings)).toEqual(firstSettings);
  });

  it("are in the digest", () => {
    const [one, other] = [new Run(), new Run()];
    one.settings(1_000);
    other.settings(1_001);
    expect(one.machine.digest).not.toBe(other.machine.digest);
  });

  it("cannot be named by a client, whose commands are looked up without them", () => {
    expect(commands.has(settingsName)).toBe(false);
    expect(commands.has(evictName)).toBe(false);
  });
});

describe("over maxmemory", () => {
  it("what needs memory is refused, and what frees some is not", () => {
    const run = new Run();
    run.settings(200);
    expect(run.write(["set", "a", "x".repeat(100)], ["set", "b", "x".repeat(100)])).toEqual([
      ok,
      ok,
    ]);
    const replies = run.write(["set", "c", "1"], ["append", "a", "x"], ["expire", "a", "10"]);
    expect(replies.map(textOf)).toEqual([oom, oom, 1]);
    expect(run.write(["del", "a"], ["set", "c", "1"])).toEqual([1, ok]);
  });

  it("nothing is refused while maxmemory is 0", () => {
    const run = new Run();
    run.settings(0);
    expect(run.write(["set", "a", "x".repeat(10_000)], ["set", "b", "1"])).toEqual([ok, ok]);
  });

  it.each(["allkeys-lru", "allkeys-random", "volatile-ttl", "volatile-lfu"])(
    "%s evicts what the leader has left over, alike on every node",
    (policy) => {
      const [one, other] = [new Run(1), new Run(2)];
      for (const run of [one, other]) {
        run.settings(20_000, policy);
        for (let batch = 0; batch < 20; batch++) {
          const keys = Array.from({ length: 50 }, (_, key) => `key ${batch} ${key}`);
          const replies = run.write(...keys.map((key) => ["setex", key, "1000", "x".repeat(40)]));
          expect(replies.every((reply) => reply === ok)).toBe(true);
          expect(run.machine.keyspace.used).toBeLessThan(20_000 + 200);
        }
        run.machine.keyspace.check();
        expect(run.machine.keyspace.counters.evictedKeys).toBeGreaterThan(700);
      }
      expect(one.machine.digest).toBe(other.machine.digest);
    },
  );

  it("a policy that finds nothing to evict refuses as well", () => {
    const run = new Run();
    run.settings(100, "volatile-lru");
    run.write(["set", "a", "x".repeat(100)]);
    expect(run.write(["set", "b", "1"]).map(textOf)).toEqual([oom]);
    run.write(["expire", "a", "100"]);
    expect(run.write(["set", "b", "1"])).toEqual([ok]);
    expect(run.machine.keyspace.database(0).size).toBe(1);
  });

  it("thousands of keys give way to one large value, in steps", () => {
    const run = new Run();
    const keys = Array.from({ length: 5_000 }, (_, key) => `${key}`);
    run.write(["mset", ...keys.flatMap((key) => [key, "v"])]);
    run.settings(100_000, "allkeys-random");
    expect(run.write(["set", "large", "x".repeat(50_000)], ["set", "k", "v"])).toEqual([ok, ok]);
    expect(run.machine.keyspace.used).toBeLessThan(100_100);
  });
});

describe("an eviction of the leader", () => {
  it("removes exactly its keys, as far as they are there, and answers nobody", () => {
    const run = new Run();
    run.write(["set", "a", "1"], ["set", "b", "2"], ["set", "c", "3"]);
    expect(run.apply(evictionOf("a", "gone", "c"))).toEqual([]);
    expect(run.machine.keyspace.database(0).size).toBe(1);
    expect(run.machine.keyspace.counters.evictedKeys).toBe(2);
    expect(run.write(["strlen", "b"].length > 0 ? ["append", "b", "x"] : [])).toEqual([2]);
  });

  it("is an entry of its own kind", () => {
    expect(readHeader(evictionOf("a"))).toMatchObject({ kind: 2, origin: 0, count: 1 });
  });
});

test("uses are counted while a policy needs them, and not by commands that only look", () => {
  const run = new Run();
  run.settings(0, "allkeys-lfu");
  run.write(["set", "k", "v"]);
  const frequency = (): Reply => {
    const object = commands.get("object");
    const freq = object?.kind === "container" ? object.subcommands.get("freq") : undefined;
    return freq?.kind === "read" ? ask(freq, ["object", "freq", "k"]) : null;
  };
  const ask = (
    command: Parameters<Machine["read"]>[0],
    words: readonly string[],
    touches = true,
  ): Reply => run.machine.read(command, 0, words, timeMs, () => 0, touches) as Reply;
  const read = (...words: readonly string[]): void => {
    const command = commands.get(words[0] ?? "");
    if (command?.kind === "read") ask(command, words, words.at(-1) !== "no-touch");
  };
  expect(frequency()).toBe(5);
  read("exists", "k");
  read("type", "k");
  read("ttl", "k");
  read("get", "k", "no-touch");
  expect(frequency()).toBe(5);
  read("touch", "no-touch");
  read("get", "k");
  expect(frequency()).toBe(6);
  read("touch", "k", "no-touch");
  expect([6, 7]).toContain(frequency());
});
