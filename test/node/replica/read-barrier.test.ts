// The lease of a leader, opt-in: reads that trust the clock between two rounds (thesis 6.4.1).

import { describe, expect, it } from "vitest";
import { ReadBarrier } from "../../../src/node/replica/read-barrier.ts";
import { asIndex } from "../../../src/raft/core/types.ts";

const leaseMs = 400;

function leader(lease = true) {
  const state = { nowMs: 0, round: 0, commit: 7 as number | null };
  const confirmed: [number, number][] = [];
  const answered: [number, number][] = [];
  const barrier = new ReadBarrier(
    1,
    {
      readIndex: () => ++state.round,
      leadsUpTo: () => state.commit,
      proposeTick: () => ({ index: 50, term: 2 }),
      askLeader: () => false,
      answerPeer: (peer, _token, index) => answered.push([peer, index]),
      nowMs: () => 0,
      wake: () => {},
    },
    { confirmed: (token, index) => confirmed.push([token, index]) },
    lease ? { ms: leaseMs, monotonicMs: () => state.nowMs } : null,
  );
  /** One read now; whether it was answered without a round. */
  const readsAtOnce = (): boolean => {
    const before = confirmed.length;
    barrier.request(false);
    barrier.flush();
    return confirmed.length > before;
  };
  /** Reads, and its round is confirmed after a while. */
  const renew = (patient = true, afterMs = 0): void => {
    readsAtOnce();
    state.nowMs += afterMs;
    barrier.roundConfirmed(state.round, asIndex(7), patient);
  };
  return { state, barrier, confirmed, answered, readsAtOnce, renew };
}

describe("a leader with a lease", () => {
  it("asks a majority once, and then answers by itself until the lease ends", () => {
    const { state, renew, readsAtOnce, confirmed } = leader();
    expect(readsAtOnce()).toBe(false);
    renew();
    state.commit = 9;
    state.nowMs = leaseMs - 1;
    expect(readsAtOnce()).toBe(true);
    expect(confirmed.at(-1)?.[1]).toBe(9);
    state.nowMs = leaseMs;
    expect(readsAtOnce()).toBe(false);
  });

  it("counts the lease from when the round was asked for, not from its confirmation", () => {
    const { state, renew, readsAtOnce } = leader();
    renew(true, leaseMs - 10);
    state.nowMs += 9;
    expect(readsAtOnce()).toBe(true);
    state.nowMs += 1;
    expect(readsAtOnce()).toBe(false);
  });

  it("has none from a majority that did not promise to wait", () => {
    const { renew, readsAtOnce } = leader();
    renew(false);
    expect(readsAtOnce()).toBe(false);
  });

  it("loses it with its leadership, with a hand-over, and when anything about the leader changes", () => {
    for (const end of ["leadership", "change"] as const) {
      const { state, barrier, renew, readsAtOnce } = leader();
      renew();
      if (end === "leadership") state.commit = null;
      else barrier.askAgain();
      expect(readsAtOnce()).toBe(false);
    }
  });

  it("answers other nodes by it too, but never a read that needs log time to move", () => {
    const { barrier, renew, answered } = leader();
    renew();
    barrier.askedByPeer(2, 1, false);
    barrier.askedByPeer(3, 1, true);
    expect(answered).toEqual([[2, 7]]);
  });

  it("is opt-in: without it every read waits for a round", () => {
    const { renew, readsAtOnce } = leader(false);
    renew();
    expect(readsAtOnce()).toBe(false);
  });
});
