// Entries that are applied in slices: where they pause changes nothing that anybody can see.

import { describe, expect, it } from "vitest";
import type { Reply } from "../../../src/resp/reply.ts";
import { Checkpoint } from "../../../src/state/checkpoint/checkpoint.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import { encodeProposal } from "../../../src/state/execution/proposal.ts";
import {
  bodyOf,
  collector,
  type Row,
  readGet,
  stateOf,
  TestLog,
  testOrigin,
} from "../../support/state-log.ts";
import { Dice, someKey } from "../../support/state-random.ts";

const newMachine = (hashSeed: number): Machine =>
  new Machine({ commands, hashSeed, requestsPerLook: 1 });

/** More words than one step takes. */
const manyKeys = (dice: Dice): string[] => {
  const first = dice.below(3_000);
  return Array.from({ length: 1_001 + dice.below(1_500) }, (_, at) => `key:${first + at}`);
};

/** A request that may be long, may depend on the time, and may depend on every one before it. */
function someRequest(dice: Dice, nowMs: number): string[] {
  const key = dice.below(2) === 0 ? someKey(dice) : `key:${dice.below(5_000)}`;
  switch (dice.below(10)) {
    case 0:
      return [dice.pick(["DEL", "UNLINK"]), ...manyKeys(dice)];
    case 1:
      return ["MSET", ...manyKeys(dice).flatMap((each) => [each, String(nowMs)])];
    case 2: {
      const fresh = dice.below(2) === 0 ? "" : `${dice.below(1e9)}:`;
      return ["MSETNX", ...manyKeys(dice).flatMap((each) => [fresh + each, "nx"])];
    }
    case 3:
      return ["PEXPIREAT", key, String(nowMs + dice.below(40))];
    case 4:
      return dice.below(20) === 0 ? ["FLUSHDB"] : ["PERSIST", key];
    case 5:
      return ["RENAME", key, `key:${dice.below(5_000)}`];
    default:
      return [dice.pick(["SET", "APPEND", "GETSET"]), key, String(dice.below(1_000))];
  }
}

/** Applies the entry with pauses, after one to four looks at the time each. How many there were. */
function applySliced(machine: Machine, entry: TestLog["entries"][number], dice: Dice): Applied {
  const sink = collector();
  let looks = 0;
  const isTimeOver = (): boolean => looks-- <= 0;
  const { appliedIndex } = machine;
  let pauses = 0;
  looks = dice.below(4);
  for (let isWhole = machine.apply(entry, sink, isTimeOver); !isWhole; pauses++) {
    expect([machine.appliedIndex, machine.isApplying]).toEqual([appliedIndex, true]);
    looks = dice.below(4);
    isWhole = machine.goOn(isTimeOver);
  }
  expect([machine.appliedIndex, machine.isApplying]).toEqual([entry.index, false]);
  return { replies: sink.replies, pauses };
}

interface Applied {
  readonly replies: readonly Reply[];
  readonly pauses: number;
}

it("entries with pauses leave the same state, order, replies and digests as entries without", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const dice = new Dice(seed);
    const whole = new TestLog([newMachine(seed)]);
    const sliced = newMachine(seed * 7919);
    let pauses = 0;
    for (let entry = 0; entry < 40; entry++) {
      whole.nowMs += dice.below(20);
      const rows = Array.from({ length: 1 + dice.below(6) }, () => ({
        words: someRequest(dice, whole.nowMs),
        database: dice.below(2),
        client: dice.below(3),
      }));
      const replies = whole.run(...rows);
      const applied = applySliced(sliced, whole.entries.at(-1) as TestLog["entries"][0], dice);
      pauses += applied.pauses;
      expect(applied.replies).toEqual(replies);
      expect([sliced.digest, sliced.trace]).toEqual([whole.machine.digest, whole.machine.trace]);
    }
    sliced.keyspace.check();
    expect(stateOf(sliced)).toEqual(stateOf(whole.machine));
    expect(pauses).toBeGreaterThan(100);
  }
});

describe("an entry that is half done", () => {
  const rows: readonly Row[] = [{ words: ["SET", "k", "new"] }, { words: ["APPEND", "k", "er"] }];
  const always = (): boolean => true;

  function halfDone(): { machine: Machine; log: TestLog; sink: ReturnType<typeof collector> } {
    const log = new TestLog([newMachine(1)]);
    log.run(["SET", "k", "old"]);
    const header = { timeMs: log.nowMs, seed: 1, ...testOrigin, firstNumber: 2, count: 2 };
    const sink = collector();
    const entry = { index: 2, data: encodeProposal(header, bodyOf(rows)) };
    expect(log.machine.apply(entry, sink, always)).toBe(false);
    return { machine: log.machine, log, sink };
  }

  it("does not count yet, has answered what it has done, and goes on", () => {
    const { machine, sink } = halfDone();
    expect([machine.appliedIndex, sink.replies.length]).toEqual([1, 1]);
    while (!machine.goOn(always)) expect(machine.appliedIndex).toBe(1);
    expect([machine.appliedIndex, sink.replies[1]]).toEqual([2, 5]);
    expect(machine.read(readGet, 0, ["get", "k"], 0, () => 0)).toBe("newer");
    expect(() => machine.goOn()).toThrow("an entry is half done");
  });

  it("is seen by nobody: no read, no checkpoint, no other entry, no other state", () => {
    const { machine } = halfDone();
    const context = { term: 1, membershipIndex: 0, membership: new Uint8Array(0) };
    const sink = { put: () => {}, del: () => {}, clearRange: () => {}, waitingBytes: 0 };
    expect(() => machine.read(readGet, 0, ["get", "k"], 0, () => 0)).toThrow("half an entry");
    expect(() => new Checkpoint(machine, context as never, sink)).toThrow("whole entries");
    expect(() => machine.pass(2)).toThrow("entry 2 is applied");
    expect(() => machine.pass(3)).toThrow("entry 3 is applied");
    const other = newMachine(2);
    for (const index of [1, 2, 3]) other.pass(index);
    expect(() => machine.adopt(other)).toThrow("as a whole");
  });
});
