// Read indexes at a leader: what a lease answers, what asks a majority, and what it keeps in mind for peers.

import { describe, expect, it } from "vitest";
import { readU53, writeU53 } from "../../../src/bytes.ts";
import {
  decodeReadIndexReply,
  encodeReadIndex,
  frameKind,
  type Peers,
} from "../../../src/node/frames.ts";
import { ReadBarrier, type ReadBarrierOptions } from "../../../src/node/replica/read-barrier.ts";
import { asIndex, asNode, asTerm } from "../../../src/raft/core/types.ts";

const leaseMs = 400;

function leader(lease = true, peerReadsMax = 10) {
  const state = {
    hasHandedOver: false,
    nowMs: 0,
    round: 0,
    joinsRound: false,
    commit: 7 as number | null,
    entries: 50,
  };
  const confirmed: [number, number][] = [];
  const answered: [number, number][] = [];
  const tokens: number[] = [];
  const peers: Pick<Peers, "send"> = {
    send: (to, kind, [body]) => {
      const reply = decodeReadIndexReply(Buffer.from(body ?? []));
      if (kind !== frameKind.readIndexReply || reply === null) return false;
      answered.push([to, reply.index]);
      tokens.push(reply.token);
      return true;
    },
  };
  const driver = {
    readIndex: () => (state.joinsRound ? state.round : ++state.round),
    propose: () => [{ index: asIndex(state.entries++), term: asTerm(2) }],
    get isLeader() {
      return state.commit !== null;
    },
    get core() {
      const commit = asIndex(state.commit ?? 0);
      const { hasHandedOver } = state;
      return { commit, hasHandedOver } as ReadBarrierOptions["driver"]["core"];
    },
  };
  const barrier = new ReadBarrier({
    ...{ nodeId: asNode(1), incarnation: 1, driver, peers, peerReadsMax },
    leader: () => asNode(1),
    nowMs: () => 0,
    wake: () => {},
    confirmed: (token, index) => confirmed.push([token, index]),
    lease: lease ? { ms: leaseMs, monotonicMs: () => state.nowMs } : null,
  });
  const ask = (peer: number, token: number, tick = false): void =>
    barrier.asked(asNode(peer), encodeReadIndex({ token, tick }));
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
  return { state, barrier, ask, confirmed, answered, tokens, readsAtOnce, renew };
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
    for (const end of ["leadership", "hand-over", "change"] as const) {
      const { state, barrier, renew, readsAtOnce } = leader();
      renew();
      if (end === "leadership") state.commit = null;
      else if (end === "hand-over") state.hasHandedOver = true;
      else barrier.askAgain();
      expect(readsAtOnce()).toBe(false);
    }
  });

  it("answers other nodes by it too, but never a read that needs log time to move", () => {
    const { ask, renew, answered } = leader();
    renew();
    ask(2, 1);
    ask(3, 1, true);
    expect(answered).toEqual([[2, 7]]);
  });

  it("is opt-in: without it every read waits for a round", () => {
    const { renew, readsAtOnce } = leader(false);
    renew();
    expect(readsAtOnce()).toBe(false);
  });
});

describe("what peers have asked and is not confirmed yet", () => {
  const peerReadsMax = 10;

  it("is one question of each in a round, and the newest is answered", () => {
    const { state, barrier, ask, tokens } = leader(false);
    barrier.request(false);
    barrier.flush();
    state.joinsRound = true;
    for (let token = 1; token <= 1_000; token++) ask(2, token);
    ask(3, 7);
    expect(barrier.peerReads).toBe(2);
    barrier.roundConfirmed(state.round, asIndex(9), false);
    expect([barrier.peerReads, tokens]).toEqual([0, [1_000, 7]]);
  });

  it.each([false, true])("is bounded for a peer that asks a million times (ticks: %s)", (tick) => {
    const { state, barrier, ask, tokens } = leader(false, peerReadsMax);
    const before = state.entries;
    for (let token = 1; token <= 1_000_000; token++) ask(2, token, tick);
    expect(barrier.peerReads).toBe(peerReadsMax);
    expect(state.entries - before).toBe(tick ? peerReadsMax : 0);
    ask(3, 1, tick);
    expect(barrier.peerReads, "another peer has its own share").toBe(peerReadsMax + 1);
    for (let id = 1; id <= state.round; id++) barrier.roundConfirmed(id, asIndex(9), false);
    for (let index = before; index < state.entries; index++) barrier.applied(index, 2);
    expect([barrier.peerReads, tokens.length]).toEqual([0, peerReadsMax + 1]);
    ask(2, 1_000_001, tick);
    expect(barrier.peerReads).toBe(1);
    barrier.forgetPeer(2);
    expect(barrier.peerReads).toBe(0);
  });
});

describe("a node's own open reads", () => {
  it("are asked again by the newest of each kind, which speaks for the older ones", () => {
    const asked: Buffer[] = [];
    const confirmed: number[] = [];
    const barrier = new ReadBarrier({
      ...{ nodeId: asNode(1), incarnation: 1, nowMs: () => 0, wake: () => {} },
      driver: {
        readIndex: () => null,
        propose: () => null,
        isLeader: false,
        core: {} as ReadBarrierOptions["driver"]["core"],
      },
      peers: { send: (_to, _kind, [body]) => asked.push(Buffer.from(body ?? [])) > 0 },
      leader: () => asNode(2),
      confirmed: (token) => confirmed.push(token),
    });
    const tokens: number[] = [];
    for (let n = 0; n < 100; n++) {
      tokens.push(barrier.request(n % 10 === 9));
      barrier.flush();
    }
    expect(asked).toHaveLength(100);
    barrier.askStale();
    barrier.askStale();
    barrier.flush();
    expect(asked).toHaveLength(102);
    const question = asked[100];
    const last = question === undefined ? 0 : readU53(question, 0);
    const reply = Buffer.alloc(24);
    writeU53(reply, last, 0);
    writeU53(reply, 5, 8);
    barrier.answered(reply);
    expect(confirmed).toEqual(tokens.filter((_, n) => n % 10 !== 9));
  });
});
