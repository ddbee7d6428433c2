import { describe, expect, it } from "vitest";
import { expirePerEntryMax } from "../../../src/constants.ts";
import { ok, type Reply } from "../../../src/resp/reply.ts";
import { finish, isSliced } from "../../../src/state/commands/sliced.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import { encodeProposal } from "../../../src/state/execution/proposal.ts";
import {
  bodyOf,
  collector,
  newMachine,
  type Row,
  readGet,
  readRandom,
  smallCommands,
  stateOf,
  TestLog,
  testOrigin,
} from "../../support/state-log.ts";
import { Dice, someWrite } from "../../support/state-random.ts";

const timeMs = 1_700_000_000_000;

function proposal(firstNumber: number, rows: readonly Row[], incarnation = 1): Uint8Array {
  const header = { timeMs, seed: 5, origin: 1, incarnation, firstNumber, count: rows.length };
  return encodeProposal(header, bodyOf(rows));
}

const append = (word: string): Row => ({ words: ["append", "k", word] });

function get(machine: Machine, key = "k", clockMs = 0, database = 0): Reply {
  const answer = machine.read(readGet, database, ["get", key], clockMs, () => 0);
  return isSliced(answer) ? finish(answer) : answer;
}

describe("an entry", () => {
  it("applies its requests in order, each in its database, and answers each", () => {
    const log = new TestLog();
    const replies = log.run(
      ["set", "a", "1"],
      ["APPEND", "a", "2"],
      { words: ["set", "a", "other"], database: 3, client: 9 },
      ["box", "PUT", "b", "3"],
      ["del", "missing"],
    );
    expect(replies).toEqual([ok, 2, ok, ok, 0]);
    expect(get(log.machine, "a")).toBe("12");
    expect(get(log.machine, "a", 0, 3)).toBe("other");
    expect(get(log.machine, "b")).toBe("3");
  });

  it("must follow the one before", () => {
    const machine = newMachine();
    machine.apply({ index: 1, data: proposal(1, [append("a")]) }, null);
    machine.pass(2);
    expect(() => machine.apply({ index: 4, data: proposal(2, [append("b")]) }, null)).toThrow(
      /entry 4 is applied after entry 2/,
    );
    expect(() => machine.pass(2)).toThrow(/entry 2 is applied/);
    expect(machine.appliedIndex).toBe(2);
  });

  it("of a newer version, or with a command that is no write here, stops the node", () => {
    const machine = newMachine();
    const newer = proposal(1, [append("a")]);
    newer[1] = 99;
    expect(() => machine.apply({ index: 1, data: newer }, null)).toThrow(
      /behaviour 99; this program knows/,
    );
    for (const words of [["get", "a"], ["nosuch"], ["box", "nosuch"], ["box"]]) {
      const other = newMachine();
      expect(() => other.apply({ index: 1, data: proposal(1, [{ words }]) }, null)).toThrow(
        /no write of this version/,
      );
    }
  });

  it("that is cut or announces another count stops the node", () => {
    const data = proposal(1, [append("a"), append("b")]);
    const less = Buffer.from(data);
    less.writeUInt32LE(1, 32);
    for (const bad of [data.subarray(0, data.length - 1), data.subarray(0, 40), less]) {
      expect(() => newMachine().apply({ index: 1, data: bad }, null)).toThrow();
    }
  });

  it("never turns log time back", () => {
    const log = new TestLog();
    expect(log.run(["time"])).toEqual([[log.nowMs, log.nowMs]]);
    log.nowMs -= 5_000;
    expect(log.run(["time"])).toEqual([[timeMs, timeMs]]);
    expect(log.machine.logTimeMs).toBe(timeMs);
  });

  it("gives each of its requests chance of its own, equal on every node", () => {
    const log = new TestLog([newMachine(1), newMachine(2)]);
    const roll = (client: number): Row => ({ words: ["roll"], client });
    const rows = [roll(1), roll(1), roll(2), roll(3), roll(3)];
    const rolls = [...log.run(...rows), ...log.run(roll(1))].flat();
    expect(new Set(rolls).size).toBe(12);
    const again = new TestLog();
    expect([...again.run(...rows), ...again.run(roll(1))].flat()).toEqual(rolls);
  });
});

describe("requests that are sent again", () => {
  it("are applied once: whole, in part and out of an earlier life", () => {
    const machine = newMachine();
    const sink = collector();
    let index = 0;
    const apply = (data: Uint8Array) => machine.apply({ index: ++index, data }, sink);

    apply(proposal(1, [append("a"), append("b"), append("c")]));
    expect(sink.replies).toEqual([1, 2, 3]);
    apply(proposal(1, [append("a"), append("b"), append("c")]));
    apply(proposal(2, [append("b"), append("c")]));
    expect(sink.replies).toEqual([1, 2, 3]);
    apply(proposal(2, [append("b"), append("c"), append("d"), append("e")]));
    expect(sink.replies).toEqual([1, 2, 3, 4, 5]);

    apply(proposal(1, [append("x")], 2)); // Another life: not answered here.
    expect(sink.replies.length).toBe(5);
    apply(proposal(6, [append("late")], 1));
    expect(sink.replies.length).toBe(5);
    expect(get(machine)).toBe("abcdex");
    expect(machine.origins.list()).toEqual([{ node: 1, incarnation: 2, highest: 1 }]);
  });

  it("are skipped within and between groups alike", () => {
    const rows = [..."abcdef"].map((word, at) => ({ ...append(word), client: at >> 1 }));
    for (let known = 0; known <= rows.length; known++) {
      const machine = newMachine();
      const sink = collector();
      if (known > 0) machine.apply({ index: 1, data: proposal(1, rows.slice(0, known)) }, null);
      else machine.pass(1);
      machine.apply({ index: 2, data: proposal(1, rows) }, sink);
      expect(get(machine)).toBe("abcdef");
      expect(sink.replies.length).toBe(rows.length - known);
    }
  });

  it("leave no gap: one is a broken invariant, also at the start of a life", () => {
    const machine = newMachine();
    machine.apply({ index: 1, data: proposal(1, [append("a")]) }, null);
    expect(() => machine.apply({ index: 2, data: proposal(3, [append("c")]) }, null)).toThrow(
      /write 3 of node 1/,
    );
    const other = newMachine();
    expect(() => other.apply({ index: 1, data: proposal(2, [append("b")], 4) }, null)).toThrow(
      /write 2 of node 1 \(incarnation 4\) follows write 0/,
    );
  });

  it("draw the same chance wherever in the entry the skipped part ends", () => {
    const first = newMachine();
    const sink = collector();
    const rows: Row[] = [{ words: ["roll"] }, { words: ["roll"] }];
    first.apply({ index: 1, data: proposal(1, rows) }, sink);
    const second = newMachine();
    const later = collector();
    second.apply({ index: 1, data: proposal(1, [append("a")]) }, null);
    second.apply({ index: 2, data: proposal(1, rows) }, later);
    expect(later.replies).toEqual([sink.replies[1]]);
  });
});

describe("an entry that passes numbers and holds nothing", () => {
  const empty = (firstNumber: number, count: number, incarnation = 1): Uint8Array => {
    const header = { timeMs, seed: 5, origin: 1, incarnation, firstNumber, count };
    return encodeProposal(header, new Uint8Array(0));
  };

  it("changes nothing but the numbers, however many they are, and tells whoever waits", () => {
    const machine = newMachine();
    const sink = collector();
    machine.apply({ index: 1, data: proposal(1, [append("a")]) }, sink);
    const { digest } = machine;
    expect(machine.apply({ index: 2, data: empty(2, 0xffff_ffff) }, sink)).toBe(true);
    expect(machine.origins.highest(1, 1)).toBe(2 ** 32);
    expect([machine.digest, machine.appliedIndex]).toEqual([digest, 2]);
    expect([sink.replies, sink.passedNumbers]).toEqual([[1], [2 ** 32]]);
    // The writes that had these numbers come late.
    machine.apply({ index: 3, data: proposal(2, [append("b")]) }, sink);
    expect([get(machine), sink.replies]).toEqual(["a", [1]]);
  });

  it("is of no effect behind the writes that it was to replace", () => {
    const machine = newMachine();
    const sink = collector();
    machine.apply({ index: 1, data: proposal(1, [append("a"), append("b")]) }, sink);
    machine.apply({ index: 2, data: empty(1, 2) }, sink);
    machine.apply({ index: 3, data: proposal(3, [append("c")]) }, sink);
    expect([get(machine), sink.replies, sink.passedNumbers]).toEqual(["abc", [1, 2, 3], []]);
  });

  it("says nothing to another life", () => {
    const machine = newMachine();
    const sink = collector();
    machine.apply({ index: 1, data: empty(1, 7, 2) }, sink);
    expect(sink.passedNumbers).toEqual([]);
    expect(machine.origins.highest(1, 2)).toBe(7);
  });
});

describe("expiry", () => {
  it("is decided by log time: alive before it, dead from it on", () => {
    const log = new TestLog();
    log.run(["set", "k", "v"], ["expireat", "k", String(timeMs + 100)]);
    log.nowMs = timeMs + 99;
    expect(log.run(["append", "k", "w"])).toEqual([2]);
    expect(log.machine.nextDueAt()).toBe(timeMs + 100);
    log.nowMs = timeMs + 100;
    expect(log.run(["append", "k", "w"])).toEqual([1]);
    expect(log.machine.nextDueAt()).toBe(undefined);
    expect(log.machine.keyspace.counters.expiredKeys).toBe(1);
  });

  it("is never answered from the clock of a read alone: the read says that a tick is needed", () => {
    const log = new TestLog();
    const { machine } = log;
    log.run(["set", "k", "v"], ["expireat", "k", String(timeMs + 100)], ["set", "other", "o"]);
    expect(get(machine, "k", timeMs + 99)).toBe("v");
    expect(machine.metDue).toBe(false);
    expect(get(machine, "k", timeMs + 100)).toBe("v");
    expect(machine.metDue).toBe(true);
    expect(get(machine, "other", timeMs + 100)).toBe("o");
    expect(machine.metDue).toBe(false);
    log.nowMs = timeMs + 100;
    log.tick();
    expect(get(machine, "k", timeMs + 100)).toBe(null);
    expect(machine.metDue).toBe(false);
  });

  it("removes a bounded number of keys per entry, and what is left is dead all the same", () => {
    const log = new TestLog();
    const { machine } = log;
    const count = expirePerEntryMax + 10;
    for (let nth = 0; nth < count; nth++) {
      log.run(["set", `k${nth}`, "v"], ["expireat", `k${nth}`, String(timeMs + 1 + nth)]);
    }
    log.nowMs = timeMs + 10_000;
    log.tick();
    const [database] = machine.keyspace.databases;
    expect(database?.size).toBe(10);
    const last = `k${count - 1}`;
    expect(get(machine, last)).toBe(null);
    expect(machine.read(readRandom, 0, ["random"], 0, () => 0)).toBe(null);
    expect(machine.nextDueAt()).toBe(timeMs + 1 + expirePerEntryMax);
    log.tick();
    expect([database?.size, database?.expires]).toEqual([0, 0]);
    machine.keyspace.check();
  });

  it("lets a dead key that is not removed yet be written anew, without its expiry", () => {
    for (const renew of ["set", "append"]) {
      const log = new TestLog();
      for (let nth = 0; nth < expirePerEntryMax; nth++) {
        log.run(["set", `k${nth}`, "v"], ["expireat", `k${nth}`, String(timeMs + 1)]);
      }
      log.run(["set", "last", "old"], ["expireat", "last", String(timeMs + 2)]);
      log.nowMs = timeMs + 10;
      const replies = log.run(
        ["del", "last"],
        ["persist", "last"],
        [renew, "last", "new"],
        ["persist", "last"],
      );
      expect(replies).toEqual([0, 0, renew === "set" ? ok : 3, 0]);
      log.tick();
      expect(get(log.machine, "last")).toBe("new");
      expect(log.machine.keyspace.databases[0]?.size).toBe(1);
    }
  });

  it("follows the last expiry that was set, however often it changed", () => {
    const log = new TestLog();
    log.run(["set", "k", "v"]);
    for (let turn = 0; turn < 6_000; turn++) {
      log.run(["expireat", "k", String(timeMs + 10 + (turn % 2))]);
    }
    log.run(["expireat", "k", String(timeMs + 50)], ["set", "p", "v"]);
    log.run(["expireat", "p", String(timeMs + 5)], ["persist", "p"], ["far", "p"]);
    log.nowMs = timeMs + 49;
    log.tick();
    expect([get(log.machine), get(log.machine, "p")]).toEqual(["v", "v"]);
    log.nowMs = timeMs + 50;
    log.tick();
    expect([get(log.machine), get(log.machine, "p")]).toEqual([null, "v"]);
    expect(log.machine.nextDueAt()).toBe(undefined);
  });

  it("takes keys in one order, whatever order their expiries were set in", () => {
    const dice = new Dice(3);
    const keys = Array.from({ length: expirePerEntryMax + 300 }, (_, nth) => `k${nth}`);
    const left = [1, 2, 3].map(() => {
      const log = new TestLog();
      const shuffled = [...keys].sort(() => dice.next() - 0.5);
      for (const key of keys) log.run(["set", key, "v"]);
      for (const key of shuffled) {
        log.run(["expireat", key, String(timeMs + 1_000)]);
        if (dice.below(2) === 0) log.run(["expireat", key, String(timeMs + 500)]);
        log.run(["expireat", key, String(timeMs + 700 + (Number(key.slice(1)) % 3))]);
      }
      log.nowMs = timeMs + 5_000;
      log.tick();
      return [...(log.machine.keyspace.databases[0]?.filledPartitions() ?? [])].map((partition) =>
        Array.from({ length: partition.size }, (_, at) => partition.key(at)),
      );
    });
    expect(left[0]?.flat().length).toBe(300);
    expect(left[1]).toEqual(left[0]);
    expect(left[2]).toEqual(left[0]);
  });
});

describe("two machines", () => {
  it("that apply the same log are equal in every order and reply, whatever their hash seeds", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const log = new TestLog([newMachine(seed), newMachine(seed * 7919)]);
      const dice = new Dice(seed);
      for (let entry = 0; entry < 400; entry++) {
        log.nowMs += dice.below(8) - 2;
        const rows = Array.from({ length: 1 + dice.below(6) }, () => ({
          words: someWrite(dice, log.nowMs),
          database: dice.below(3),
          client: dice.below(3),
        }));
        log.run(...rows);
      }
      for (const machine of log.machines) machine.keyspace.check();
      const [one, two] = log.machines.map(stateOf);
      expect(one).toEqual(two);

      const replayed = new Machine({ commands: smallCommands });
      for (const entry of log.entries)
        replayed.apply(entry, { ...testOrigin, reply: () => {}, passed: () => {} });
      expect(stateOf(replayed)).toEqual(one);
    }
  });
});
