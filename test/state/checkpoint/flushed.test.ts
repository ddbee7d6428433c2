// A database that is flushed while a checkpoint still has to write it.

import { describe, expect, it } from "vitest";
import { expirePerEntryMax } from "../../../src/constants.ts";
import { checkpoint, openStore, temporaryDirectory } from "../../support/state-checkpoint.ts";
import { newMachine, stateOf, TestLog } from "../../support/state-log.ts";

describe("a database that is flushed while a checkpoint is written", () => {
  it("takes no part in the expiry of others, which is equal on nodes that write none", async () => {
    const store = await openStore(await temporaryDirectory());
    const other = newMachine(5);
    const log = new TestLog([newMachine(), other]);
    const due = String(log.nowMs + 10);
    const row = (database: number) => (_: unknown, nth: number) => [
      { words: ["set", `k${nth}`, "v"], database },
      { words: ["expireat", `k${nth}`, due], database },
    ];
    log.run(...Array.from({ length: expirePerEntryMax }, row(0)).flat());
    log.run(...Array.from({ length: expirePerEntryMax }, row(1)).flat());
    let before: unknown = stateOf(log.machine);
    let isFlushed = false;
    const between = () => {
      if (isFlushed) return;
      isFlushed = true;
      log.run(["flushdb"]);
      log.nowMs += 20;
      log.tick();
      expect(stateOf(other)).toEqual(stateOf(log.machine));
      expect(log.machine.keyspace.databases.map(({ size }) => size)).toEqual(new Array(16).fill(0));
    };
    await checkpoint(store, log, between, 100);
    expect(log.machine.digest).toBe(other.digest);
    const restored = newMachine();
    await store.load(restored);
    expect(stateOf(restored)).toEqual(before);
    before = stateOf(log.machine);
    await checkpoint(store, log);
    const again = newMachine();
    await store.load(again);
    expect(stateOf(again)).toEqual(before);
  });
});
