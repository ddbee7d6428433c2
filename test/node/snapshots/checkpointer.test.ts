// When a checkpoint is written: never of half an entry.

import { expect, it } from "vitest";
import { createLogger } from "../../../src/logger.ts";
import { Checkpointer } from "../../../src/node/snapshots/checkpointer.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import { encodeProposal } from "../../../src/state/execution/proposal.ts";
import { context, openStore, temporaryDirectory } from "../../support/state-checkpoint.ts";
import { bodyOf, newMachine, smallCommands, stateOf, testOrigin } from "../../support/state-log.ts";

it("one that is asked for in the middle of an entry holds the whole entry", async () => {
  const path = await temporaryDirectory();
  const store = await openStore(path);
  const machine = new Machine({ commands: smallCommands, requestsPerLook: 1 });
  let rest = (): void => {};
  let told = 0;
  const checkpointer = new Checkpointer({
    machine,
    store: () => store,
    whenStill: () =>
      new Promise((resolve) => {
        rest = resolve;
      }),
    logBytes: () => 1,
    makeRoom: () => Promise.resolve(true),
    mergeSpace: () => 0,
    storeBytes: () => Promise.resolve(0),
    written: () => {},
    wrote(bytes) {
      told += bytes;
    },
    context: () => context,
    logger: createLogger("silent"),
    nowMs: () => 0,
    onFailure: (error) => {
      throw error;
    },
  });
  const rows = [{ words: ["set", "a", "1"] }, { words: ["set", "b", "2"] }];
  const header = { timeMs: 1, seed: 1, ...testOrigin, firstNumber: 1, count: rows.length };
  const entry = { index: 1, data: encodeProposal(header, bodyOf(rows)) };
  expect(machine.apply(entry, null, () => true)).toBe(false);

  const asked = checkpointer.run();
  expect(machine.isApplying).toBe(true);
  expect(machine.goOn()).toBe(true);
  rest();
  await asked;
  const restored = newMachine();
  expect((await store.load(restored))?.appliedIndex).toBe(1);
  expect(stateOf(restored)).toEqual(stateOf(machine));
  expect(told).toBeGreaterThan(0);
});

it("one that waits for work which fails is written, and does not fail with it", async () => {
  const store = await openStore(await temporaryDirectory());
  const checkpointer = new Checkpointer({
    machine: newMachine(),
    store: () => store,
    whenStill: () => Promise.resolve(),
    logBytes: () => 1,
    makeRoom: () => Promise.resolve(true),
    mergeSpace: () => 0,
    storeBytes: () => Promise.resolve(0),
    written: () => {},
    context: () => context,
    logger: createLogger("silent"),
    nowMs: () => 0,
    onFailure: (error) => {
      throw error;
    },
  });
  const failing = checkpointer.alone(() => Promise.reject(new Error("its own")));
  const waiting = checkpointer.run();
  await expect(failing).rejects.toThrow("its own");
  await expect(waiting).resolves.toBe(true);
});

it("none is begun on a disk that has no room for it: the log keeps what it would hold, and says so once", async () => {
  const store = await openStore(await temporaryDirectory());
  const lines: string[] = [];
  const state = { hasRoom: false, written: 0 };
  const checkpointer = new Checkpointer({
    machine: new Machine({ commands: smallCommands }),
    store: () => store,
    whenStill: () => Promise.resolve(),
    logBytes: () => 1,
    makeRoom: () => Promise.resolve(state.hasRoom),
    mergeSpace: () => 0,
    storeBytes: () => Promise.resolve(0),
    written: () => {
      state.written += 1;
    },
    context: () => context,
    logger: createLogger("warn", { write: (line) => lines.push(line) }),
    nowMs: () => 0,
    onFailure: (error) => {
      throw error;
    },
  });
  expect([await checkpointer.run(), await checkpointer.run()]).toEqual([false, false]);
  expect(lines).toEqual([expect.stringContaining("no room for a checkpoint")]);
  expect(state.written).toBe(0);
  state.hasRoom = true;
  expect(await checkpointer.run()).toBe(true);
  expect(state.written).toBe(1);
});
