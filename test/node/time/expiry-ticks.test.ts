import { expect, it } from "vitest";
import { expireTickMs } from "../../../src/constants.ts";
import { ExpiryTicks } from "../../../src/node/time/expiry-ticks.ts";
import { asIndex, asTerm } from "../../../src/raft/core/types.ts";

function ticks() {
  const state = { isLeader: true, proposed: 0, appliedIndex: 0, dueAtMs: 5 as number | undefined };
  const expiry = new ExpiryTicks({
    driver: {
      get isLeader() {
        return state.isLeader;
      },
      propose: () => {
        state.proposed += 1;
        return [{ term: asTerm(1), index: asIndex(state.proposed) }];
      },
    },
    machine: {
      get appliedIndex() {
        return state.appliedIndex;
      },
      nextDueAt: () => state.dueAtMs,
    },
    now: () => 10,
  });
  return { expiry, state };
}

it("a leader moves log time on when a key is due, at most every so often", () => {
  const { expiry, state } = ticks();
  expiry.tick(0);
  expiry.tick(expireTickMs - 1);
  expect(state.proposed).toBe(1);
  expiry.tick(expireTickMs);
  expect(state.proposed).toBe(2);
});

it("the next entry follows as soon as the last one is applied, while keys are due", () => {
  const { expiry, state } = ticks();
  expiry.goOn();
  expect(state.proposed).toBe(0);
  expiry.tick(0);
  expiry.goOn();
  expect(state.proposed).toBe(1);
  state.appliedIndex = 1;
  expiry.goOn();
  expiry.goOn();
  expect(state.proposed).toBe(2);
  state.appliedIndex = 2;
  state.dueAtMs = 11;
  expiry.goOn();
  state.dueAtMs = 5;
  expiry.goOn();
  expect(state.proposed).toBe(2);
});

it("nobody moves it on but an active leader", () => {
  const { expiry, state } = ticks();
  state.isLeader = false;
  expiry.tick(0);
  state.isLeader = true;
  expiry.isActive = false;
  expiry.tick(expireTickMs);
  expect(state.proposed).toBe(0);
});
